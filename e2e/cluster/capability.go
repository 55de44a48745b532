package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// capSysResource is the number of CAP_SYS_RESOURCE. Some sandboxes drop it, and then privileged containers and negative OOM
// scores are not possible.
const capSysResource = 24

// resourceCapability returns whether processes of this machine can have CAP_SYS_RESOURCE.
func resourceCapability() (bool, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, fmt.Errorf("reading the capabilities: %w", err)
	}
	return hasCapability(string(status), capSysResource)
}

// hasCapability looks a capability up in the bounding set of a /proc/PID/status text.
func hasCapability(status string, number uint) (bool, error) {
	lines := bufio.NewScanner(strings.NewReader(status))
	for lines.Scan() {
		value, found := strings.CutPrefix(lines.Text(), "CapBnd:")
		if !found {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return false, fmt.Errorf("reading the capability bounding set: %w", err)
		}
		return set&(1<<number) != 0, nil
	}
	return false, errors.New("no CapBnd line in the process status")
}
