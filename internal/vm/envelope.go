package vm

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/charset"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An envelope is the root element of an .ovf, as far as disks are concerned
// (DMTF DSP0243, "Open Virtualization Format Specification", 2.1.1). Names are
// matched without their namespaces, which differ between the versions.
type envelope struct {
	XMLName xml.Name
	Files   []ovfFile   `xml:"References>File"`
	Disks   []ovfDisk   `xml:"DiskSection>Disk"`
	Systems []ovfSystem `xml:"VirtualSystem"`
	Nested  struct {
		Systems []ovfSystem `xml:"VirtualSystem"`
		Deeper  []struct{}  `xml:"VirtualSystemCollection"`
	} `xml:"VirtualSystemCollection"`
}

// An ovfFile is a file of the package (section 7.1).
type ovfFile struct {
	ID          string `xml:"id,attr"`
	Href        string `xml:"href,attr"`
	Size        string `xml:"size,attr"`
	Compression string `xml:"compression,attr"`
	ChunkSize   string `xml:"chunkSize,attr"`
}

// An ovfDisk is a virtual disk (section 9.1).
type ovfDisk struct {
	ID       string `xml:"diskId,attr"`
	FileRef  string `xml:"fileRef,attr"`
	Capacity string `xml:"capacity,attr"`
	Units    string `xml:"capacityAllocationUnits,attr"`
	Parent   string `xml:"parentRef,attr"`
}

// An ovfSystem is a virtual machine (section 7.2).
type ovfSystem struct {
	ID   string `xml:"id,attr"`
	Name string `xml:"Name"`
	OS   struct {
		ID          string `xml:"id,attr"`
		Type        string `xml:"osType,attr"` // VMware's own
		Description string `xml:"Description"`
	} `xml:"OperatingSystemSection"`
	Items []ovfItem `xml:"VirtualHardwareSection>Item"`
	// A newer form of Item for storage, which says the same.
	Storage []ovfItem `xml:"VirtualHardwareSection>StorageItem"`
}

// An ovfItem is a device (CIM_ResourceAllocationSettingData).
type ovfItem struct {
	InstanceID   string   `xml:"InstanceID"`
	Type         string   `xml:"ResourceType"`
	Address      string   `xml:"Address"`
	Parent       string   `xml:"Parent"`
	Place        string   `xml:"AddressOnParent"`
	SubType      string   `xml:"ResourceSubType"`
	Name         string   `xml:"ElementName"`
	HostResource []string `xml:"HostResource"`
}

// parseEnvelope decodes the text of an .ovf.
func parseEnvelope(name string, text []byte) (*envelope, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(encoding string, r io.Reader) (io.Reader, error) {
		raw, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		s, err := charset.Decode(encoding, string(raw))
		return strings.NewReader(s), err
	}
	var e envelope
	if err := d.Decode(&e); err != nil {
		return nil, failed(layer.ErrCorrupt, name, "%v", err)
	}
	if e.XMLName.Local != "Envelope" {
		return nil, failed(layer.ErrFormat, name, "its root element is %.80q, and not Envelope", e.XMLName.Local)
	}
	return &e, nil
}

// system returns the one virtual machine of the package.
func (e *envelope) system(name string) (ovfSystem, error) {
	list := append(e.Systems[:len(e.Systems):len(e.Systems)], e.Nested.Systems...)
	switch {
	case len(list) == 1 && len(e.Nested.Deeper) == 0:
		return list[0], nil
	case len(list) == 0 && len(e.Nested.Deeper) == 0:
		return ovfSystem{}, failed(layer.ErrCorrupt, name, "no virtual machine is in it")
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, fmt.Sprintf("%q", s.ID))
	}
	return ovfSystem{}, failed(layer.ErrUnsupported, name, "several virtual machines are in it: %s", strings.Join(ids, ", "))
}

// units are how many bytes a unit of capacity has, in the form of version 0.9.
var units = map[string]uint64{"": 1, "byte": 1, "bytes": 1, "kilobytes": 1 << 10, "megabytes": 1 << 20, "gigabytes": 1 << 30}

// size returns the capacity in bytes. It is 0 where it is a property of the
// machine to be (${...}), or not understood: nothing is read by it.
func (d ovfDisk) size() int64 {
	n, err := strconv.ParseUint(d.Capacity, 10, 63)
	if err != nil {
		return 0
	}
	// A programmatic unit (DSP0004, annex C): "byte * 2^30".
	text := strings.ToLower(strings.ReplaceAll(d.Units, " ", ""))
	unit, ok := units[text]
	if power, found := strings.CutPrefix(text, "byte*2^"); found {
		bits, err := strconv.ParseUint(power, 10, 8)
		unit, ok = 1<<bits, err == nil && bits < 63
	}
	size, fits := ondisk.Mul(n, unit)
	if !ok || !fits || size == math.MaxInt64 {
		return 0
	}
	return size
}
