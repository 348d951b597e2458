package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/coreos/container-linux-config-transpiler/config"
	"github.com/coreos/container-linux-config-transpiler/config/astyaml"
	"github.com/coreos/ignition/config/v2_4"
	"github.com/coreos/ignition/config/validate/astnode"
	"github.com/coreos/ignition/config/validate/report"
)

// Any platform will do that knows all of {PRIVATE_IPV4} and its like.
const platform = "custom"

func (r *reading) merge(found report.Report) (fatal bool) {
	for _, each := range found.Entries {
		r.add(each.Kind.String(), each.Message, each.Line)
	}
	return found.IsFatal()
}

func readContainerLinux(source []byte, result *reading) {
	whole, tree, found := config.Parse(source)
	if result.merge(found) {
		return
	}
	result.Lines = map[string]int{}
	yamlLines(tree, "", result.Lines)
	_, found = config.Convert(whole, platform, tree)
	if result.merge(found) {
		return
	}
	// The services' sections are told as they are, and all else as Ignition.
	result.Sections = map[string]map[string]any{}
	if whole.Etcd != nil {
		result.Sections["etcd"] = settings(*whole.Etcd)
	}
	if whole.Flannel != nil {
		result.Sections["flannel"] = settings(*whole.Flannel)
	}
	if whole.Locksmith != nil {
		result.Sections["locksmith"] = settings(*whole.Locksmith)
	}
	if whole.Update != nil {
		result.Sections["update"] = settings(*whole.Update)
	}
	if whole.Docker != nil {
		result.Sections["docker"] = map[string]any{"flags": whole.Docker.Flags}
	}
	whole.Etcd, whole.Flannel, whole.Locksmith, whole.Update, whole.Docker = nil, nil, nil, nil, nil
	converted, found := config.Convert(whole, "", nil)
	if found.IsFatal() {
		result.merge(found)
		return
	}
	text, err := json.Marshal(converted)
	if err != nil {
		panic(err)
	}
	latest, found, err := v2_4.Parse(text)
	if err != nil {
		panic(fmt.Errorf("%w: %v", err, found))
	}
	result.Config = &latest
}

// settings gives the keys that a section sets, with their values, by the names that they have in YAML.
func settings(section any) map[string]any {
	values := map[string]any{}
	fields(reflect.ValueOf(section), values)
	return values
}

func fields(section reflect.Value, values map[string]any) {
	for section.Kind() == reflect.Interface {
		section = section.Elem()
	}
	for i := 0; section.Kind() == reflect.Struct && i < section.NumField(); i++ {
		field, value := section.Type().Field(i), section.Field(i)
		if field.Anonymous {
			fields(value, values)
			continue
		}
		if value.IsZero() {
			continue
		}
		name := field.Tag.Get("yaml")
		if text, ok := value.Interface().(fmt.Stringer); ok { // versions
			values[name] = text.String()
		} else {
			values[name] = reflect.Indirect(value).Interface()
		}
	}
}

// yamlLines notes the line of each key and entry by its path: storage/files/0/path.
func yamlLines(node astnode.AstNode, path string, lines map[string]int) {
	if tree, ok := node.(astyaml.YamlNode); !ok || tree.Children == nil {
		return
	}
	if keys, ok := node.KeyValueMap(); ok {
		for key, value := range keys {
			lines[path+key], _, _ = value.KeyLineCol(nil)
			yamlLines(value, path+key+"/", lines)
		}
		return
	}
	for i := 0; ; i++ {
		entry, ok := node.SliceChild(i)
		if !ok {
			return
		}
		here := path + strconv.Itoa(i)
		lines[here], _, _ = entry.ValueLineCol(nil)
		yamlLines(entry, here+"/", lines)
	}
}
