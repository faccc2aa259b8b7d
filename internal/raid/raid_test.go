package raid

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// single maps a member to a source of its own.
type single struct {
	source int
	size   int64
}

func (s single) Map(int64) (extent.Run, error) {
	return extent.Run{Length: s.size, Source: s.source}, nil
}

// A set is the members of an array in memory.
type set struct {
	config  Config
	disks   [][]byte
	sources []io.ReaderAt
}

// newSet returns an array's members, empty.
func newSet(c Config, n int) *set {
	s := &set{config: c}
	s.config.Derive = func(r io.ReaderAt) int {
		s.sources = append(s.sources, extent.Derived{ReaderAt: r})
		return len(s.sources) - 1
	}
	for i := range n {
		disk := make([]byte, c.Size)
		s.disks = append(s.disks, disk)
		s.sources = append(s.sources, bytes.NewReader(disk))
		s.config.Members = append(s.config.Members, Member{
			Name: fmt.Sprintf("disk%d", i), Mapper: single{i, c.Size}, Reader: s.sources[i], Size: c.Size, Synced: c.Size})
	}
	return s
}

// remove takes members away.
func (s *set) remove(members ...int) {
	for _, i := range members {
		s.config.Members[i].Mapper, s.config.Members[i].Reader, s.config.Members[i].Synced = nil, nil, 0
		s.sources[i] = nil
	}
}

// restore puts all members back.
func (s *set) restore() {
	s.sources = s.sources[:len(s.disks)]
	for i := range s.disks {
		m := &s.config.Members[i]
		s.sources[i] = bytes.NewReader(s.disks[i])
		m.Mapper, m.Reader, m.Synced, m.Bad = single{i, s.config.Size}, s.sources[i], s.config.Size, nil
	}
}

// open returns the array, and a reader of it.
func (s *set) open(t testing.TB) (*Array, *extent.Reader) {
	a, err := New(s.config)
	require.NoError(t, err)
	return a, extent.NewReader(a, a.Size(), s.sources...)
}

// fill writes data to where a healthy array is mapped, and returns it. No byte
// of a member may have two places.
func (s *set) fill(t testing.TB) []byte {
	a, _ := s.open(t)
	data := make([]byte, a.Size())
	random := rand.New(rand.NewPCG(1, uint64(a.Size())))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for off := int64(0); off < a.Size(); {
		run, err := a.Map(off)
		require.NoError(t, err)
		require.Equal(t, off, run.Offset)
		copy(s.disks[run.Source][run.Physical:][:run.Length], data[off:])
		off += run.Length
	}
	return data
}

// seal computes the parity of every row, in the plainest way.
func (s *set) seal() {
	g := striped{s.config.Level, s.config.Layout, len(s.disks), s.config.Chunk}
	for row := range s.config.Size / g.chunk {
		p, q := g.parities(row)
		for at := row * g.chunk; at < (row+1)*g.chunk; at++ {
			var sum, weighted byte
			for i, d := range s.disks {
				if i != p && i != q {
					sum ^= d[at]
					if q >= 0 {
						weighted ^= product(d[at], power(g.coefficient(i, p, q)))
					}
				}
			}
			if s.disks[p][at] = sum; q >= 0 {
				s.disks[q][at] = weighted
			}
		}
	}
}

func TestField(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			want := 0 // by long multiplication
			for i := range 8 {
				if b>>i&1 != 0 {
					want ^= a << i
				}
			}
			for i := 14; i >= 8; i-- {
				if want>>i&1 != 0 {
					want ^= 0x11d << (i - 8)
				}
			}
			require.Equal(t, byte(want), product(byte(a), byte(b)))
		}
		if a != 0 {
			require.EqualValues(t, 1, product(byte(a), inverse(byte(a))))
		}
	}
	all := make([]byte, 256+3)
	for i := range all {
		all[i] = byte(i)
	}
	double(all)
	for i := range all {
		require.Equal(t, product(byte(i), 2), all[i])
	}
}

// levels are all arrays with parity.
func levels() []Config {
	var list []Config
	for _, l := range []Layout{LeftAsymmetric, RightAsymmetric, LeftSymmetric, RightSymmetric, ParityFirst, ParityLast} {
		list = append(list, Config{Level: RAID5, Layout: l}, Config{Level: RAID6, Layout: l})
	}
	for _, l := range []Layout{RotatingZeroRestart, RotatingNRestart, RotatingNContinue, LeftAsymmetric6, RightAsymmetric6, LeftSymmetric6, RightSymmetric6, ParityFirst6} {
		list = append(list, Config{Level: RAID6, Layout: l})
	}
	return append(list, Config{Level: RAID4})
}

// TestParity reads arrays with every set of members missing that they can do
// without, and is refused one more.
func TestParity(t *testing.T) {
	for _, c := range levels() {
		for n := c.Level.parity() + 1; n <= 7; n++ {
			c.Chunk, c.Size = 512, 512*int64(2*n+1)
			s := newSet(c, n)
			want := s.fill(t)
			s.seal()
			check := func(missing ...int) {
				s.remove(missing...)
				_, r := s.open(t)
				got := make([]byte, len(want))
				_, err := r.ReadAt(got, 0)
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got), "level %d, layout %d, %d members without %v", c.Level, c.Layout, n, missing)
				s.restore()
			}
			check()
			for i := range n {
				check(i)
				for j := range i {
					if c.Level == RAID6 {
						check(i, j)
						s.remove((i+1)%n, (j+2)%n)
					}
					s.remove(i, j)
					_, err := New(s.config)
					if c.Level != RAID6 {
						require.ErrorIs(t, err, layer.ErrIncomplete)
						require.ErrorContains(t, err, fmt.Sprintf("member %d (disk%d)", i, i))
					}
					s.restore()
				}
			}
		}
	}
}

// TestRecovering reads members that are in sync up to a point, and have bad
// sectors below it.
func TestRecovering(t *testing.T) {
	for _, c := range levels() {
		c.Chunk, c.Size = 1024, 1024*20
		n := 5
		s := newSet(c, n)
		want := s.fill(t)
		s.seal()
		spoil := func(i int, off, n int64) {
			for at := off; at < off+n; at++ {
				s.disks[i][at] ^= 0x55
			}
		}
		s.config.Members[1].Synced = 7777
		spoil(1, 7777, c.Size-7777)
		s.config.Members[2].Bad = []Range{{100, 50}, {3000, 512}}
		spoil(2, 100, 50)
		spoil(2, 3000, 512)
		_, r := s.open(t)
		got := make([]byte, len(want))
		_, err := r.ReadAt(got, 0)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "level %d, layout %d", c.Level, c.Layout)
		for off := 0; off < len(want)-700; off += 331 {
			_, err := r.ReadAt(got[:700], int64(off))
			require.NoError(t, err)
			require.True(t, bytes.Equal(want[off:off+700], got[:700]))
		}

		// Where two are bad at one place, one parity is not enough.
		s.config.Members[3].Bad = []Range{{0, 8192}}
		_, r = s.open(t)
		_, err = r.ReadAt(got, 0)
		if c.Level == RAID6 && errors.Is(err, layer.ErrIncomplete) {
			require.ErrorContains(t, err, "member 3 (disk3)")
		} else if c.Level != RAID6 {
			require.ErrorIs(t, err, layer.ErrIncomplete)
		}

		// Parity that is not known to be right rebuilds nothing.
		s.restore()
		s.remove(0)
		s.config.Consistent = func(off, n int64) bool { return off+n <= 2048 }
		_, r = s.open(t)
		_, err = r.ReadAt(got, 0)
		if _, err2 := r.ReadAt(got[:1024], 0); c.Layout != ParityFirst {
			require.NoError(t, err2)
		}
		require.True(t, err == nil || errors.Is(err, layer.ErrIncomplete))
		if c.Level == RAID5 && c.Layout < ParityFirst {
			require.ErrorContains(t, err, "its parity is not known to be up to date")
		}
	}
}

// TestReadErrors: an error of a member is that of the array, and says whose it
// is.
func TestReadErrors(t *testing.T) {
	for _, level := range []Level{RAID5, RAID6} {
		for failing := 1; failing < 5; failing++ {
			s := newSet(Config{Level: level, Layout: LeftSymmetric, Chunk: 512, Size: 512 * 5}, 5)
			s.fill(t)
			s.seal()
			s.remove(0)
			if level == RAID6 {
				s.remove(failing%4 + 1)
			}
			failed := errors.New("bad sector")
			s.config.Members[failing].Reader = iotestReaderAt{failed}
			a, r := s.open(t)
			_, err := r.ReadAt(make([]byte, a.Size()), 0)
			require.ErrorIs(t, err, failed)
			require.ErrorContains(t, err, fmt.Sprintf("disk%d", failing))
		}
	}
}

type iotestReaderAt struct{ err error }

func (r iotestReaderAt) ReadAt([]byte, int64) (int, error) { return 0, r.err }

// TestRAID10 reads every layout without as many neighbours as it has copies to
// spare.
func TestRAID10(t *testing.T) {
	for n := 2; n <= 7; n++ {
		for near := 1; near <= n; near++ {
			for far := 1; near*far <= n; far++ {
				if near > 1 && far > 1 && n%near != 0 {
					continue // mdadm makes no arrays with both kinds of copies
				}
				for _, flags := range []Layout{0, 1 << 16, 1 << 17, 2 << 17, 1<<16 | 2<<17} {
					s := newSet(Config{Level: RAID10, Layout: Layout(near|far<<8) | flags, Chunk: 512, Size: 512 * int64(far) * 9}, n)
					a, err := New(s.config)
					if errors.Is(err, layer.ErrUnsupported) {
						continue // sets smaller than the near copies
					}
					require.NoError(t, err)
					g := a.geometry.(*copier)
					used := make(map[string]bool)
					data := make([]byte, a.Size())
					for off := int64(0); off < a.Size(); off += 512 {
						rand.NewChaCha8([32]byte{byte(off >> 9), byte(off >> 17)}).Read(data[off:][:512])
						members := make(map[int]bool)
						for c := range g.copies {
							i, physical, n := g.locate(off, c)
							require.EqualValues(t, 512, n)
							key := fmt.Sprint(i, physical)
							require.False(t, used[key], "%d members, layout %#x: two chunks at %s", len(s.disks), s.config.Layout, key)
							used[key] = true
							members[i] = true
							copy(s.disks[i][physical:][:512], data[off:])
						}
						if flags>>17 != 1 { // md's first try at sets puts copies on one member, and is read as it is
							require.Len(t, members, g.copies, "%d members, layout %#x: copies on one member", n, s.config.Layout)
						}
					}
					for gone := range n {
						s.remove(gone)
						a, err := New(s.config)
						if near*far == 1 || flags>>17 == 1 && err != nil {
							require.ErrorIs(t, err, layer.ErrIncomplete)
							s.restore()
							continue
						}
						require.NoError(t, err)
						got := make([]byte, a.Size())
						_, err = extent.NewReader(a, a.Size(), s.sources...).ReadAt(got, 0)
						require.NoError(t, err)
						require.True(t, bytes.Equal(data, got))
						s.restore()
					}
				}
			}
		}
	}
}
