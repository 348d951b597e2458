package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// disabled is the value of SERVER with which Container Linux asks no server for updates.
const disabled = "disabled"

// configuration is where SERVER is set: the first file that sets it counts.
var configuration = []string{"/etc/coreos/update.conf", "/usr/share/coreos/update.conf"}

// withoutServer is the file that says that there is no update server, "" where there may be one.
func withoutServer(files []string) (string, error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if value, set := lastValue(string(text), "SERVER"); set {
			if value == disabled {
				return file, nil
			}
			return "", nil
		}
	}
	return "", nil
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
