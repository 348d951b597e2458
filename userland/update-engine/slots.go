package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// slotsFile is what the boot loader reads and writes, as GRUB did with the attributes of Container Linux's partitions
// USR-A and USR-B: it boots the slot with the highest priority that has booted well before or has a try left.
const slotsFile = "/boot/slots"

// slot is a place for a machine image; image is "" for an empty one.
type slot struct {
	image      string
	priority   int
	tries      int
	successful bool
}

// slots are both places; booted is "A" or "B".
type slots struct {
	booted string
	slot   map[string]slot
}

// errNoSlots says that this machine boots from the one system that it has.
var errNoSlots = errors.New("this machine has no second slot for an update: " + slotsFile + " is missing")

func readSlots(path string) (slots, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return slots{}, errNoSlots
	}
	if err != nil {
		return slots{}, err
	}
	found := slots{slot: map[string]slot{"A": {}, "B": {}}}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if booted, ok := strings.CutPrefix(words[0], "booted="); ok {
			found.booted = booted
		} else if _, known := found.slot[words[0]]; known {
			found.slot[words[0]] = parseSlot(words[1:])
		}
	}
	if found.current().image == "" {
		return slots{}, fmt.Errorf("%s: does not say which slot was booted", path)
	}
	return found, nil
}

func parseSlot(words []string) slot {
	value := map[string]string{}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		value[name] = text
	}
	number := func(name string) int {
		found, _ := strconv.Atoi(value[name])
		return found
	}
	return slot{value["image"], number("priority"), number("tries"), number("successful") == 1}
}

func (s slot) String() string {
	successful := 0
	if s.successful {
		successful = 1
	}
	return fmt.Sprintf("image=%s priority=%d tries=%d successful=%d", s.image, s.priority, s.tries, successful)
}

func (s slots) String() string {
	return fmt.Sprintf("booted=%s\nA %s\nB %s\n", s.booted, s.slot["A"], s.slot["B"])
}

// write replaces the file whole: a power cut must not leave half of it.
func (s slots) write(path string) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".slots-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	if _, err := draft.WriteString(s.String()); err != nil {
		return err
	}
	if err := errors.Join(draft.Chmod(0o644), draft.Sync()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func (s slots) other() string {
	if s.booted == "A" {
		return "B"
	}
	return "A"
}

func (s slots) current() slot { return s.slot[s.booted] }

func (s slots) passive() slot { return s.slot[s.other()] }

// staged is the image that the next boot takes where that is another than the present one, "" else.
func (s slots) staged() string {
	passive := s.passive()
	if passive.image != "" && passive.priority > s.current().priority && (passive.successful || passive.tries > 0) {
		return passive.image
	}
	return ""
}

// failed says whether an image had its try in the other slot, and did not come up.
func (s slots) failed(image string) bool {
	passive := s.passive()
	return passive.image == image && !passive.successful && passive.tries == 0
}

// stage has the next boot take an image from the other slot: once, unless it comes up.
func (s slots) stage(image string) {
	passive, current := s.passive(), s.current()
	if passive.image != image || !passive.successful {
		passive = slot{image: image, tries: 1}
	}
	passive.priority, current.priority = 2, 1
	s.slot[s.other()], s.slot[s.booted] = passive, current
}

// keep has the next boot take the present slot again.
func (s slots) keep() {
	passive, current := s.passive(), s.current()
	passive.priority, current.priority = 1, 2
	s.slot[s.other()], s.slot[s.booted] = passive, current
}

// markGood notes that the present slot has come up.
func (s slots) markGood() {
	current := s.current()
	current.successful, current.tries = true, 0
	s.slot[s.booted] = current
}
