package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/appc/spec/aci"
	"github.com/appc/spec/schema"
)

// copy puts a file or a folder into the image, at the path named. Copying a folder again adds to what is there.
func (b build) copy(arguments []string) error {
	if _, err := b.load(); err != nil {
		return err
	}
	source, target := arguments[0], filepath.Join(b.rootfs(), filepath.Clean("/"+arguments[1]))
	if _, err := os.Stat(source); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return told(exec.Command("cp", "--archive", "--no-target-directory", source, target))
}

// told runs a program that says by itself what is wrong.
func told(program *exec.Cmd) error {
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Run(); err != nil {
		return fmt.Errorf("%s: %w", program.Args[0], err)
	}
	return nil
}

// write packs the image into a file. A write that fails, or is killed, leaves no file of that name.
func (b build) write(arguments []string) error {
	manifest, err := b.load()
	if err != nil {
		return err
	}
	if manifest.Name == nameless {
		return errors.New("the image has no name; `acbuild set-name` gives it one")
	}
	target := arguments[0]
	if !strings.HasSuffix(target, schema.ACIExtension) {
		return fmt.Errorf("%s: the name of an image's file ends in %s", target, schema.ACIExtension)
	}
	draft, err := os.Create(target + ".draft")
	if err != nil {
		return err
	}
	defer draft.Close()
	if err := b.pack(manifest, draft); err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	return os.Rename(draft.Name(), target)
}

// pack writes the image as a compressed tar. All files become root's, whoever builds.
func (b build) pack(manifest *schema.ImageManifest, to io.Writer) error {
	compressed := gzip.NewWriter(to)
	image := aci.NewImageWriter(*manifest, tar.NewWriter(compressed))
	chosen := func(header *tar.Header) bool {
		header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "root", "root"
		return header.Name == aci.RootfsDir || strings.HasPrefix(header.Name, aci.RootfsDir+"/")
	}
	if err := filepath.Walk(b.folder, aci.BuildWalker(b.folder, image, chosen)); err != nil {
		return err
	}
	return errors.Join(image.Close(), compressed.Close())
}
