package vmdkfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/hive"
)

var le = binary.LittleEndian

// currentVersion is the key of SOFTWARE that tells what Windows it is.
const currentVersion = `Microsoft\Windows NT\CurrentVersion`

// system reads what Windows says of itself.
func (w *windows) system() (s System, err error) {
	software := w.hive("SOFTWARE", func(h *hive.Hive) error {
		k, err := h.Key(currentVersion)
		if err != nil {
			return err
		}
		return s.version(k)
	})
	system := w.hive("SYSTEM", s.controlSet)
	return s, join(notNil(software, system))
}

// version fills in the name and the version of Windows.
func (s *System) version(k *hive.Key) error {
	var errs []error
	get := func(name string) string {
		value, err := text(k, name)
		if err != nil {
			errs = append(errs, err)
		}
		return value
	}
	s.Name = get("ProductName")
	number, build := get("CurrentVersion"), get("CurrentBuild")
	if build == "" {
		build = get("CurrentBuildNumber")
	}
	if n, err := strconv.Atoi(build); err == nil && n >= firstBuildOf11 {
		s.Name = strings.Replace(s.Name, "Windows 10", "Windows 11", 1)
	}
	// Since Windows 10 the old value says 6.3 for ever.
	if major, ok := numberOf(k, "CurrentMajorVersionNumber"); ok {
		minor, _ := numberOf(k, "CurrentMinorVersionNumber")
		number = fmt.Sprintf("%d.%d", major, minor)
	}
	if build != "" {
		number += "." + build
	}
	if revision, ok := numberOf(k, "UBR"); ok {
		number += fmt.Sprintf(".%d", revision)
	}
	s.Version = number
	for _, name := range []string{"DisplayVersion", "ReleaseId", "CSDVersion"} {
		if title := get(name); title != "" {
			s.Version = title + " (" + number + ")"
			break
		}
	}
	return join(errs)
}

// firstBuildOf11 is the first build of Windows 11, whose ProductName still says
// Windows 10.
const firstBuildOf11 = 22000

// controlSet fills in what the control set says that was used last.
func (s *System) controlSet(h *hive.Hive) error {
	k, err := h.Key("Select")
	if err != nil {
		return err
	}
	current, ok := numberOf(k, "Current")
	if !ok {
		return errors.New("the hive does not say which control set is current")
	}
	set := fmt.Sprintf(`ControlSet%03d\`, current)
	var errs []error
	get := func(path, name string) string {
		k, err := h.Key(set + path)
		value := ""
		if err == nil {
			value, err = text(k, name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		return value
	}
	// The first is the name in the network, as the user wrote it; the second
	// is cut to 15 capitals.
	if s.Hostname = get(`Services\Tcpip\Parameters`, "Hostname"); s.Hostname == "" {
		s.Hostname = get(`Control\ComputerName\ComputerName`, "ComputerName")
	}
	if s.TimeZone = get(`Control\TimeZoneInformation`, "TimeZoneKeyName"); s.TimeZone == "" { // before Vista
		s.TimeZone = get(`Control\TimeZoneInformation`, "StandardName")
	}
	k, err = h.Key(set + `Control\Windows`)
	var v hive.Value
	if err == nil {
		v, err = k.Value("ShutdownTime")
	}
	if err == nil {
		s.Shutdown, err = v.Time()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return join(errs)
}

// text returns a text of a key; empty where it is not there.
func text(k *hive.Key, name string) (string, error) {
	v, err := k.Value(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return v.Text()
}

// numberOf returns a number of a key, and whether there is one.
func numberOf(k *hive.Key, name string) (uint32, bool) {
	v, err := k.Value(name)
	if err != nil {
		return 0, false
	}
	n, err := v.Number()
	return n, err == nil
}
