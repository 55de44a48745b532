package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// rewriteFile decodes a JSON file, lets change work on it, and writes it back. Numbers keep their exact text.
func rewriteFile(path string, change func(map[string]any)) error {
	info, err := os.Stat(path) //nolint:gosec // the engine names the file
	if err != nil {
		return fmt.Errorf("finding the container's configuration: %w", err)
	}
	content, err := os.ReadFile(path) //nolint:gosec // the engine names the file
	if err != nil {
		return fmt.Errorf("reading the container's configuration: %w", err)
	}
	document := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("decoding %s: %w", path, err)
	}
	change(document)
	changed, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return os.WriteFile(path, changed, info.Mode().Perm()) //nolint:gosec // the engine names the file
}

func dropFromSpec(spec map[string]any) {
	if process, ok := spec["process"].(map[string]any); ok {
		dropFromProcess(process)
	}
}

// dropFromProcess takes the capability out of every set: bounding, effective, permitted, inheritable and ambient.
func dropFromProcess(process map[string]any) {
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		if names, ok := set.([]any); ok {
			sets[name] = slices.DeleteFunc(names, func(value any) bool { return value == capability })
		}
	}
}
