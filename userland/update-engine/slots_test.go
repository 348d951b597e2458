package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

const fresh = "booted=A\nA image=1111 priority=1 tries=0 successful=1\nB image= priority=0 tries=0 successful=0\n"

func read(t *testing.T, text string) slots {
	t.Helper()
	found, err := readSlots(write(t, filepath.Join(t.TempDir(), "slots"), text))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSlotsAreWrittenAsTheyAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slots")
	if err := read(t, fresh).write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != fresh {
		t.Errorf("%s, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".slots-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnImageIsStagedInTheOtherSlotForOneTry(t *testing.T) {
	found := read(t, fresh)
	if staged := found.staged(); staged != "" {
		t.Errorf("nothing was staged, and yet %s", staged)
	}
	found.stage("2222")
	want := "booted=A\nA image=1111 priority=1 tries=0 successful=1\nB image=2222 priority=2 tries=1 successful=0\n"
	if found.String() != want || found.staged() != "2222" {
		t.Errorf("%s: staged %q", found, found.staged())
	}
	found.keep()
	if found.staged() != "" {
		t.Errorf("called off, and yet: %s", found)
	}
}

func TestBackIsTheOtherSlotAsItWas(t *testing.T) {
	found := read(t, "booted=B\nA image=1111 priority=1 tries=0 successful=1\nB image=2222 priority=2 tries=0 successful=0\n")
	found.markGood()
	found.stage("1111")
	want := "booted=B\nA image=1111 priority=2 tries=0 successful=1\nB image=2222 priority=1 tries=0 successful=1\n"
	if found.String() != want || found.staged() != "1111" {
		t.Errorf("%s: staged %q", found, found.staged())
	}
}

func TestAnImageThatDidNotComeUpIsKnown(t *testing.T) {
	found := read(t, "booted=A\nA image=1111 priority=1 tries=0 successful=1\nB image=2222 priority=2 tries=0 successful=0\n")
	if !found.failed("2222") || found.failed("3333") || found.staged() != "" {
		t.Errorf("%s", found)
	}
}

func TestAMachineWithoutSlotsOrWithAFileThatSaysNothing(t *testing.T) {
	if _, err := readSlots(filepath.Join(t.TempDir(), "none")); !errors.Is(err, errNoSlots) {
		t.Errorf("%v", err)
	}
	for _, text := range []string{"", "booted=C\n", "booted=A\nA priority=1\n", "A image=1111\n"} {
		if found, err := readSlots(write(t, filepath.Join(t.TempDir(), "slots"), text)); err == nil {
			t.Errorf("%q: %s", text, found)
		}
	}
}
