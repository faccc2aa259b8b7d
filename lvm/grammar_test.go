package lvm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What LVM's own documents and tests have in their texts and its exporter does
// not write: a comma behind the last of an array, comments behind values and
// in arrays, blanks anywhere, sections in any order, empty arrays and sections.
func TestGrammarOfLVM(t *testing.T) {
	s, err := parseText(`# header
		lv  {
			segment2{type="raid1" # the second first
				device_count=2 region_size = 1024
				raids = [
					"lv_rmeta_0", "lv_rimage_0",
					# a comment between
					"lv_rmeta_1", "lv_rimage_1",
				]
			}
			segment1 {
				start_extent = 0 extent_count = 125      # 500 Megabytes
				type = "mirror" mirror_count = 2
				mirrors = [
					"lv_mimage_0", 0,
					"lv_mimage_1", 0
				]
			}
			status = [ "READ" , "WRITE" , "VISIBLE" ] flags = [] tags=["a" "b"]
			ratio = -0.5
			other { }
		}`)
	require.NoError(t, err)
	lv := s.sub("lv")
	require.Equal(t, []string{"READ", "WRITE", "VISIBLE"}, decode(lv).list("status"))
	require.Equal(t, []string{"a", "b"}, decode(lv).list("tags"))
	require.Empty(t, decode(lv).list("flags"))
	require.Equal(t, -0.5, lv.get("ratio"))
	require.Equal(t, []string{"lv_rmeta_0", "lv_rimage_0", "lv_rmeta_1", "lv_rimage_1"}, decode(lv.sub("segment2")).list("raids"))
	require.Equal(t, []stripeText{{"lv_mimage_0", 0}, {"lv_mimage_1", 0}}, decode(lv.sub("segment1")).stripes("mirrors"))
	require.EqualValues(t, 125, decode(lv.sub("segment1")).count("extent_count"))
}
