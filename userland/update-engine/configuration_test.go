package main

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheFirstFileThatSetsAValueCounts(t *testing.T) {
	for _, one := range []struct{ etc, usr, value, file string }{
		{"GROUP=stable\n", "GROUP=stable\nSERVER=disabled\n", "disabled", "usr"},
		{"SERVER=disabled\n", "SERVER=https://updates.example/v1/\n", "disabled", "etc"},
		{"SERVER=https://updates.example/v1/\n", "SERVER=disabled\n", "https://updates.example/v1/", "etc"},
		{"SERVER=\"disabled\"\n", "", "disabled", "etc"},
		{"#SERVER=disabled\nMY_SERVER=disabled\n", "", "", ""},
		{"SERVER=disabled\nSERVER=https://updates.example/\n", "", "https://updates.example/", "etc"},
		{"", "", "", ""},
	} {
		folder := t.TempDir()
		files := []string{
			write(t, filepath.Join(folder, "etc"), one.etc), write(t, filepath.Join(folder, "usr"), one.usr),
		}
		value, file, err := setting(files, "SERVER")
		if file != "" {
			file = filepath.Base(file)
		}
		if err != nil || value != one.value || file != one.file {
			t.Errorf("%+v: %q of %q, %v", one, value, file, err)
		}
	}
}

func TestAConfigurationThatIsMissingOrUnreadable(t *testing.T) {
	folder := t.TempDir()
	if value, _, err := setting([]string{filepath.Join(folder, "none")}, "SERVER"); err != nil || value != "" {
		t.Errorf("%q, %v", value, err)
	}
	if _, _, err := setting([]string{folder}, "SERVER"); err == nil {
		t.Error("a folder was read as a file")
	}
}
