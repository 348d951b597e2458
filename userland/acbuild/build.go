package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/appc/spec/schema"
	"github.com/appc/spec/schema/types"
)

// nameless is the name of an image that has none yet: the specification knows no manifest without one.
const nameless = "acbuild-unnamed"

// build is an image that has been begun. Its folder has the manifest and the rootfs, as an ACI does.
type build struct{ folder string }

func (b build) manifest() string { return filepath.Join(b.folder, "manifest") }
func (b build) rootfs() string   { return filepath.Join(b.folder, "rootfs") }

func (b build) begin(_ []string) error {
	if _, err := os.Lstat(b.folder); err == nil {
		return fmt.Errorf("%s: a build has been begun here; `acbuild end` gives it up", b.folder)
	}
	if err := os.MkdirAll(b.rootfs(), 0o755); err != nil {
		return err
	}
	blank := schema.BlankImageManifest()
	blank.Name = nameless
	return b.save(blank)
}

func (b build) end(_ []string) error {
	if _, err := b.load(); err != nil {
		return err
	}
	return os.RemoveAll(b.folder)
}

func (b build) load() (*schema.ImageManifest, error) {
	text, err := os.ReadFile(b.manifest())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no build has been begun in this folder; `acbuild begin` begins one")
	}
	if err != nil {
		return nil, err
	}
	manifest := &schema.ImageManifest{}
	if err := manifest.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("%s: %w", b.manifest(), err)
	}
	return manifest, nil
}

func (b build) save(manifest *schema.ImageManifest) error {
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	draft := b.manifest() + ".draft"
	if err := os.WriteFile(draft, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(draft, b.manifest())
}

// change saves what `edit` makes of the manifest.
func (b build) change(edit func(*schema.ImageManifest) error) error {
	manifest, err := b.load()
	if err != nil {
		return err
	}
	if err := edit(manifest); err != nil {
		return err
	}
	return b.save(manifest)
}

func (b build) setName(arguments []string) error {
	return b.change(func(manifest *schema.ImageManifest) error {
		return manifest.Name.Set(arguments[0])
	})
}

func (b build) addDependency(arguments []string) error {
	name, err := types.NewACIdentifier(arguments[0])
	if err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	return b.change(func(manifest *schema.ImageManifest) error {
		for _, known := range manifest.Dependencies {
			if known.ImageName == *name {
				return fmt.Errorf("%s: a dependency already", name)
			}
		}
		manifest.Dependencies = append(manifest.Dependencies, types.Dependency{ImageName: *name})
		return nil
	})
}

func (b build) addLabel(arguments []string) error {
	name, err := types.NewACIdentifier(arguments[0])
	if err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	return b.change(func(manifest *schema.ImageManifest) error {
		if _, there := manifest.GetLabel(arguments[0]); there {
			return fmt.Errorf("%s: a label already", name)
		}
		manifest.Labels = append(manifest.Labels, types.Label{Name: *name, Value: arguments[1]})
		return nil
	})
}

func (b build) setExec(arguments []string) error {
	return b.change(func(manifest *schema.ImageManifest) error {
		app(manifest).Exec = arguments
		return nil
	})
}

func (b build) addPort(arguments []string) error {
	name, err := types.NewACName(arguments[0])
	if err != nil {
		return fmt.Errorf("%s: %w", arguments[0], err)
	}
	port, err := strconv.ParseUint(arguments[2], 10, 16)
	if err != nil || port == 0 {
		return fmt.Errorf("%s: no port; it is a number from 1 to 65535", arguments[2])
	}
	if protocol := arguments[1]; protocol != "tcp" && protocol != "udp" {
		return fmt.Errorf("%s: no protocol of ports; it is tcp or udp", protocol)
	}
	return b.change(func(manifest *schema.ImageManifest) error {
		for _, known := range app(manifest).Ports {
			if known.Name == *name {
				return fmt.Errorf("%s: a port already", name)
			}
		}
		port := types.Port{Name: *name, Protocol: arguments[1], Port: uint(port), Count: 1}
		app(manifest).Ports = append(app(manifest).Ports, port)
		return nil
	})
}

// app is the manifest's app, which is root's unless said otherwise.
func app(manifest *schema.ImageManifest) *types.App {
	if manifest.App == nil {
		manifest.App = &types.App{User: "0", Group: "0"}
	}
	return manifest.App
}
