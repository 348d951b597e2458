package main

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appc/spec/aci"
)

// begun is a build in a folder of the test's own.
func begun(t *testing.T) build {
	t.Helper()
	b := build{folder: filepath.Join(t.TempDir(), ".acbuild")}
	must(t, b.begin(nil))
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("got %v, not an error with %q", err, words)
	}
}

func TestAnImageIsWhatWasSaidOfIt(t *testing.T) {
	b := begun(t)
	source := filepath.Join(t.TempDir(), "app")
	must(t, os.Mkdir(source, 0o700))
	must(t, os.WriteFile(filepath.Join(source, "app.js"), []byte("1"), 0o600))
	must(t, b.setName([]string{"example.com/hello"}))
	must(t, b.addDependency([]string{"example.com/base"}))
	must(t, b.copy([]string{source, "/app"}))
	must(t, b.copy([]string{source, "/app"})) // again: into it, not beside it
	must(t, b.setExec([]string{"/bin/sh", "-c", "exec node app.js"}))
	must(t, b.addPort([]string{"www", "tcp", "3000"}))
	must(t, b.addLabel([]string{"version", "0.0.1"}))
	file := filepath.Join(t.TempDir(), "hello.aci")
	must(t, b.write([]string{file}))

	image, err := os.Open(file)
	must(t, err)
	defer image.Close()
	manifest, err := aci.ManifestFromImage(image)
	must(t, err)
	if version, _ := manifest.GetLabel("version"); manifest.Name != "example.com/hello" || version != "0.0.1" {
		t.Errorf("name and version: %s, %s", manifest.Name, version)
	}
	if manifest.Dependencies[0].ImageName != "example.com/base" {
		t.Errorf("dependencies: %v", manifest.Dependencies)
	}
	if port := manifest.App.Ports[0]; port.Name != "www" || port.Port != 3000 || port.Protocol != "tcp" {
		t.Errorf("port: %v", port)
	}
	if manifest.App.Exec[2] != "exec node app.js" || manifest.App.User != "0" {
		t.Errorf("app: %v", manifest.App)
	}
	archive, err := aci.NewCompressedTarReader(image)
	must(t, err)
	must(t, aci.ValidateArchive(archive.Reader))
	names := map[string]*tar.Header{}
	again, err := aci.NewCompressedTarReader(image)
	must(t, err)
	for {
		header, err := again.Next()
		if err != nil {
			break
		}
		names[header.Name] = header
	}
	if header := names["rootfs/app/app.js"]; header == nil || header.Uid != 0 || header.Size != 1 {
		t.Errorf("app.js: %v", header)
	}
	if len(names) != 4 { // manifest, rootfs, app, app.js
		t.Errorf("files: %v", names)
	}
}

func TestEndLeavesNothing(t *testing.T) {
	b := begun(t)
	refused(t, b.begin(nil), "begun here")
	must(t, b.end(nil))
	if _, err := os.Stat(b.folder); !os.IsNotExist(err) {
		t.Error("the folder is still there")
	}
	refused(t, b.end(nil), "no build has been begun")
}

func TestWhatMakesNoImageIsRefused(t *testing.T) {
	b := begun(t)
	target := filepath.Join(t.TempDir(), "x.aci")
	refused(t, b.write([]string{target}), "no name")
	refused(t, b.setName([]string{"Not A Name"}), "ACIdentifier")
	must(t, b.setName([]string{"example.com/x"}))
	refused(t, b.write([]string{"x.tar"}), "ends in .aci")
	refused(t, b.addPort([]string{"www", "tcp", "0"}), "no port")
	refused(t, b.addPort([]string{"www", "tcp", "70000"}), "no port")
	refused(t, b.addPort([]string{"www", "sctp", "1"}), "no protocol")
	must(t, b.addPort([]string{"www", "tcp", "1"}))
	refused(t, b.addPort([]string{"www", "tcp", "2"}), "a port already")
	must(t, b.addLabel([]string{"version", "1"}))
	refused(t, b.addLabel([]string{"version", "2"}), "a label already")
	must(t, b.addDependency([]string{"example.com/base"}))
	refused(t, b.addDependency([]string{"example.com/base"}), "a dependency already")
	refused(t, b.copy([]string{"/no/such", "/app"}), "no such file")
	refused(t, build{folder: t.TempDir()}.setName([]string{"example.com/x"}), "no build has been begun")
}

func TestNothingIsCopiedOutOfTheImage(t *testing.T) {
	b := begun(t)
	source := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(source, nil, 0o600))
	must(t, b.copy([]string{source, "../../../escaped"}))
	if _, err := os.Stat(filepath.Join(b.rootfs(), "escaped")); err != nil {
		t.Error(err)
	}
}

func TestVerbsAreFoundByAllOfTheirWords(t *testing.T) {
	known, rest := find([]string{"run", "--", "npm", "install"})
	if known == nil || len(rest) != 2 || rest[0] != "npm" {
		t.Errorf("run: %v", rest)
	}
	if known, _ := find([]string{"port"}); known != nil {
		t.Error("half a verb")
	}
	if known, rest := find([]string{"port", "add", "www", "tcp", "1"}); known == nil || len(rest) != 3 {
		t.Error("port add")
	}
}
