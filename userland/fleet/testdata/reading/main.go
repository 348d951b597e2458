// Command reading tells what fleet makes of unit files: it calls the parser, the rules and the matcher that fleetctl and
// fleetd call. The tests of lab's own reader compare with it.
//
// It reads a JSON array of units from standard input and writes one of readings, in the same order, to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"sort"

	"github.com/coreos/fleet/api"
	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/schema"
	"github.com/coreos/fleet/unit"
)

// A file is a unit with its name and its bytes; names are matched against what it conflicts with.
type file struct {
	Name  string   `json:"name"`
	Text  []byte   `json:"text"`
	Names []string `json:"names"`
}

type option struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Value   string `json:"value"`
}

// A reading is what fleet understood, or the errors with which it refuses the unit.
type reading struct {
	NameError    string              `json:"name_error"`
	Error        string              `json:"error"`
	Options      []option            `json:"options"`
	Written      string              `json:"written"`
	OptionsError string              `json:"options_error"`
	UnknownError string              `json:"unknown_error"`
	Conflicts    []string            `json:"conflicts"`
	Replaces     []string            `json:"replaces"`
	Peers        []string            `json:"peers"`
	Target       *string             `json:"target"`
	Metadata     map[string][]string `json:"metadata"`
	Global       bool                `json:"global"`
	Matched      []bool              `json:"matched"`
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func read(one file) reading {
	result := reading{NameError: message(api.ValidateName(one.Name)), Options: []option{}}
	parsed, err := unit.NewUnitFile(string(one.Text))
	if err != nil {
		result.Error = err.Error()
		return result
	}
	// As the units travel: fleetctl sends their options as JSON.
	sent, err := json.Marshal(schema.MapUnitFileToSchemaUnitOptions(parsed))
	if err != nil {
		panic(err)
	}
	var received []*schema.UnitOption
	if err := json.Unmarshal(sent, &received); err != nil {
		panic(err)
	}
	stored := schema.MapSchemaUnitOptionsToUnitFile(received)
	for _, each := range received {
		result.Options = append(result.Options, option{each.Section, each.Name, each.Value})
	}
	result.Written = stored.String()
	result.OptionsError = message(api.ValidateOptions(received))
	result.UnknownError = message((&job.Job{Unit: *stored}).ValidateRequirements())
	submitted := &job.Job{Name: one.Name, Unit: *stored}
	result.Conflicts, result.Replaces, result.Peers = submitted.Conflicts(), submitted.Replaces(), submitted.Peers()
	if target, required := submitted.RequiredTarget(); required {
		result.Target = &target
	}
	result.Metadata = map[string][]string{}
	for key, values := range submitted.RequiredTargetMetadata() {
		result.Metadata[key] = values.Values()
		sort.Strings(result.Metadata[key])
	}
	result.Global = (&job.Unit{Name: one.Name, Unit: *stored}).IsGlobal()
	for _, name := range one.Names {
		matched := false
		for _, pattern := range result.Conflicts {
			fits, _ := path.Match(pattern, name)
			matched = matched || fits
		}
		result.Matched = append(result.Matched, matched)
	}
	return result
}

func main() {
	var files []file
	if err := json.NewDecoder(os.Stdin).Decode(&files); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	readings := []reading{}
	for _, one := range files {
		readings = append(readings, read(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(readings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
