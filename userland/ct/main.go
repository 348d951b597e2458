// Command ct reads a Container Linux Config or an Ignition config from standard input and writes to standard output, as
// JSON, what the config transpiler and Ignition's own parser make of it: an Ignition config, what a Container Linux
// Config says of the system's services, the line of each key, and the report. It decodes data: URLs and fetches nothing.
//
// The upstream command writes Ignition alone, in which etcd, flannel and locksmith have become drop-ins for containers.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/coreos/ignition/config/v2_4/types"
	"github.com/vincent-petithory/dataurl"
)

// An entry is one line of the report: an error or a warning, and the line of the source that it is about (0: unknown).
type entry struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

// A reading is what was understood. Of a config with errors, there is the report alone.
type reading struct {
	Config   *types.Config             `json:"config"`
	Contents [][]byte                  `json:"contents"`
	Sections map[string]map[string]any `json:"sections"`
	Lines    map[string]int            `json:"lines"`
	Report   []entry                   `json:"report"`
}

func (r *reading) add(kind, message string, line int) {
	r.Report = append(r.Report, entry{kind, message, line})
}

// decode fills in the files' contents that are written in the config itself; nil stands for those that are not.
func (r *reading) decode() {
	r.Contents = [][]byte{}
	for _, file := range r.Config.Storage.Files {
		var contents []byte
		if source := file.Contents.Source; source == "" {
			contents = []byte{}
		} else if strings.HasPrefix(source, "data:") {
			if decoded, err := dataurl.DecodeString(source); err == nil {
				contents = append([]byte{}, decoded.Data...)
			}
		}
		r.Contents = append(r.Contents, contents)
	}
}

func read(source []byte) (result *reading) {
	result = &reading{Report: []entry{}}
	defer func() { // what these parsers do not expect must not look like a fault of the caller's
		if cause := recover(); cause != nil {
			result = &reading{Report: []entry{{"error", fmt.Sprintf("the parser gave up: %v", cause), 0}}}
		}
	}()
	if strings.HasPrefix(strings.TrimSpace(string(source)), "{") {
		readIgnition(source, result)
	} else {
		readContainerLinux(source, result)
	}
	if result.Config != nil {
		result.decode()
	}
	return result
}

func main() {
	source, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(read(source))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
