package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// engine finds updates and installs them. Everything that must outlive it is in the slots' file.
type engine struct {
	mutex   sync.Mutex
	slots   string   // the file
	files   []string // the configuration
	tell    func(status)
	checked int64 // seconds since the epoch
}

// status is what the engine has to say when it does nothing: an update that waits for its reboot, or none.
func (e *engine) status() (status, error) {
	found, err := readSlots(e.slots)
	if err != nil && err != errNoSlots {
		return status{}, err
	}
	if err == nil {
		if staged := found.staged(); staged != "" {
			return status{e.checked, 1, needReboot, staged, 0}, nil
		}
	}
	return status{e.checked, 0, idle, noVersion, 0}, nil
}

// attempt asks the server and installs what it offers; returns why there is nothing to install, "" after an update.
//
// An image that did not come up is left out, unless somebody asks for it.
func (e *engine) attempt(asked bool) (why string, err error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	found, err := readSlots(e.slots)
	if err != nil {
		return "", err
	}
	server, file, err := setting(e.files, "SERVER")
	if err != nil {
		return "", err
	}
	if server == "" || server == disabled {
		return fmt.Sprintf("SERVER=%s in %s, so no server is asked", server, file), nil
	}
	group, _, err := setting(e.files, "GROUP")
	if err != nil {
		return "", err
	}
	defer e.tellNow()
	e.checked = time.Now().Unix()
	e.say(checking, 0, noVersion, 0)
	offered, err := ask(server, found.current().image, group, machineID())
	if err != nil {
		return "", err
	}
	if offered == nil || offered.image == found.current().image {
		if found.staged() == "" {
			return fmt.Sprintf("the server has nothing else for group %s than %s, which runs", group, found.current().image), nil
		}
		found.keep() // the server has taken the update back
		return fmt.Sprintf("the server no longer offers %s", found.passive().image), found.write(e.slots)
	}
	if offered.image == found.staged() {
		return "", nil
	}
	if found.failed(offered.image) && !asked {
		return fmt.Sprintf("%s did not come up here, so it is not installed again by itself", offered.image), nil
	}
	e.say(available, 0, offered.image, offered.size)
	e.say(downloading, 0, offered.image, offered.size)
	if err := offered.fetch(); err != nil {
		return "", err
	}
	e.say(finalizing, 1, offered.image, offered.size)
	found.stage(offered.image)
	return "", found.write(e.slots)
}

// reset calls off an update that waits for its reboot.
func (e *engine) reset() error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	found, err := readSlots(e.slots)
	if err != nil {
		return err
	}
	found.keep()
	defer e.tellNow()
	return found.write(e.slots)
}

// markGood notes that this boot has come so far that the engine runs.
func (e *engine) markGood() error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	found, err := readSlots(e.slots)
	if err == errNoSlots {
		return nil
	}
	if err != nil || found.current().successful {
		return err
	}
	found.markGood()
	return found.write(e.slots)
}

func (e *engine) say(operation string, progress float64, version string, size int64) {
	e.tell(status{e.checked, progress, operation, version, size})
}

func (e *engine) tellNow() {
	if now, err := e.status(); err == nil {
		e.tell(now)
	}
}

func machineID() string {
	text, _ := os.ReadFile("/etc/machine-id")
	return strings.TrimSpace(string(text))
}
