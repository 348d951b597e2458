package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// disabled is the value of SERVER with which Container Linux asks no server for updates.
const disabled = "disabled"

// configuration is where GROUP and SERVER are set: for each, the first file that sets it counts.
var configuration = []string{"/etc/coreos/update.conf", "/usr/share/coreos/update.conf"}

// setting is a value of the configuration, and the file that sets it; both are "" where none does.
func setting(files []string, name string) (value, file string, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		if value, set := lastValue(string(text), name); set {
			return value, file, nil
		}
	}
	return "", "", nil
}

// lastValue is what the last line NAME=VALUE of a file sets, without quotes.
func lastValue(text, name string) (value string, set bool) {
	for _, line := range strings.Split(text, "\n") {
		if found, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			value, set = strings.Trim(found, `"'`), true
		}
	}
	return value, set
}
