package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheFirstFileThatSetsTheServerCounts(t *testing.T) {
	for _, one := range []struct {
		etc, usr string
		wanted   int // which file says that there is none, 0 where there may be one
	}{
		{"GROUP=stable\n", "GROUP=stable\nSERVER=disabled\n", 2},
		{"SERVER=disabled\n", "SERVER=https://updates.example/v1/\n", 1},
		{"SERVER=https://updates.example/v1/\n", "SERVER=disabled\n", 0},
		{"SERVER=\"disabled\"\n", "", 1},
		{"#SERVER=disabled\nMY_SERVER=disabled\n", "", 0},
		{"SERVER=disabled\nSERVER=https://updates.example/\n", "", 0},
		{"", "", 0},
	} {
		folder := t.TempDir()
		files := []string{filepath.Join(folder, "etc"), filepath.Join(folder, "usr")}
		for i, text := range []string{one.etc, one.usr} {
			if err := os.WriteFile(files[i], []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		wanted := ""
		if one.wanted > 0 {
			wanted = files[one.wanted-1]
		}
		if got, err := withoutServer(files); err != nil || got != wanted {
			t.Errorf("%+v: %q, %v; want %q", one, got, err, wanted)
		}
	}
}

func TestAConfigurationThatIsMissingOrUnreadable(t *testing.T) {
	folder := t.TempDir()
	if got, err := withoutServer([]string{filepath.Join(folder, "none")}); err != nil || got != "" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := withoutServer([]string{folder}); err == nil {
		t.Error("a folder was read as a file")
	}
}
