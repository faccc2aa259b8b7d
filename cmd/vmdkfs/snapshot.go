package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs/internal/datastore"
)

// snapshotFlags choose one of the copies of an image that the storage's
// snapshots hold.
type snapshotFlags struct {
	version, root string
	layouts       []string
}

// add adds the flags to a command whose first argument is an image.
func (s *snapshotFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&s.version, "version", "", "read the image as the storage's snapshot `NAME` has it, or the newest not later than TIME: 2026-11-17, \"2026-11-17 08:00\", 7d")
	s.addWhere(c)
}

// addWhere adds those that say where snapshots are.
func (s *snapshotFlags) addWhere(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&s.root, "datastore", "", "the `DIRECTORY` that IMAGE is a path in, and whose snapshots count; without it, the nearest above IMAGE that has any")
	s.addLayouts(c)
}

func (s *snapshotFlags) addLayouts(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.layouts, "snapshots", nil, "where further snapshots are, a pattern below the datastore: \"backup/*\"; may be repeated")
}

// versions returns the copies of an image.
func (s *snapshotFlags) versions(image string) ([]datastore.Version, error) {
	layouts := append(s.layouts, datastore.Layouts...)
	root, rel := s.root, image
	if root == "" {
		var err error
		if root, rel, err = datastore.Locate(image, layouts); err != nil {
			return nil, err
		}
	}
	return datastore.Versions(root, rel, layouts)
}

// choose returns the path of the copy of an image that --version asks for, the
// image itself without it.
func (a *app) choose(image string) (string, error) {
	s := &a.snapshot
	if s.version == "" {
		if s.root != "" {
			image = filepath.Join(s.root, image)
		}
		return image, nil
	}
	list, err := s.versions(image)
	if err != nil {
		return "", err
	}
	for _, name := range []string{s.version, unprintable(s.version)} { // as it is, or as versions printed it
		if v, ok := datastore.Named(list, name); ok {
			return v.File, nil
		}
	}
	t, err := parseTime(s.version, time.Now())
	if err != nil {
		return "", fmt.Errorf("no version %q, and no time as 2026-11-17 or 7d", s.version)
	}
	if _, err := time.Parse(time.DateOnly, s.version); err == nil {
		t = t.AddDate(0, 0, 1).Add(-1) // by the end of that day
	}
	v, err := datastore.NewestBy(list, t)
	if err == nil && !a.quiet {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.line("note", image, fmt.Errorf("version %s, of %s", v.Name, v.Time.UTC().Format("2006-01-02 15:04")))
	}
	return v.File, err
}
