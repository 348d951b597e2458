package main

import (
	"sort"
	"strconv"

	json "github.com/ajeddeloh/go-json"
	"github.com/coreos/ignition/config/v2_4"
)

func readIgnition(source []byte, result *reading) {
	parsed, found, err := v2_4.Parse(source)
	fatal := result.merge(found)
	if err != nil {
		if !fatal {
			result.add("error", err.Error(), 0)
		}
		return
	}
	var tree json.Node
	if err := json.Unmarshal(source, &tree); err != nil {
		panic(err)
	}
	ends := []int{}
	for i, char := range source {
		if char == '\n' {
			ends = append(ends, i)
		}
	}
	result.Lines = map[string]int{}
	jsonLines(tree, "", result.Lines, func(offset int) int { return 1 + sort.SearchInts(ends, offset) })
	result.Config = &parsed
}

// jsonLines notes the line of each key and entry by its path: storage/files/0/path.
func jsonLines(node json.Node, path string, lines map[string]int, line func(offset int) int) {
	switch value := node.Value.(type) {
	case map[string]json.Node:
		for key, each := range value {
			lines[path+key] = line(each.KeyEnd - 1)
			jsonLines(each, path+key+"/", lines, line)
		}
	case []json.Node:
		for i, each := range value {
			here := path + strconv.Itoa(i)
			lines[here] = line(each.Start)
			jsonLines(each, here+"/", lines, line)
		}
	}
}
