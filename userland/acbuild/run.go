package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/appc/spec/schema/types"
)

// run runs a program in the image, on top of its dependencies. What it writes becomes part of the image.
//
// The files of the dependencies come from rkt, which verifies their signatures. The kernel puts the image's own on top of
// them (overlayfs), in a mount namespace of this process: whatever ends it, no mount is left. The folder must therefore
// lie on a file system on which overlayfs can write: a disk or a tmpfs, not an overlay.
func (b build) run(arguments []string) error {
	manifest, err := b.load()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(b.folder, "run-")
	if err != nil {
		return err
	}
	root, err := b.root(manifest.Dependencies, work)
	if err == nil {
		err = within(root, arguments)
	}
	// Whatever has failed: no folder is removed while the machine's own /dev is mounted in it.
	if left := unmount(work, b.rootfs()); left != nil {
		return errors.Join(err, left)
	}
	return errors.Join(err, os.RemoveAll(work), b.refuseRemoved())
}

// within runs a program whose root folder is `root`.
func within(root string, arguments []string) error {
	program := exec.Command(arguments[0], arguments[1:]...)
	program.Path = arguments[0]
	program.Err = nil // what this machine lacks, the image may have
	if !strings.Contains(arguments[0], "/") {
		program.Path, program.Err = lookup(root, arguments[0])
	}
	program.Dir = "/"
	program.Env = []string{"HOME=/root", "PATH=" + searched, "TERM=" + os.Getenv("TERM")}
	program.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	return told(program)
}

// unmount takes off what is mounted at `work`/root, and in the image's own root folder where that was used.
func unmount(work, rootfs string) error {
	for _, target := range []string{filepath.Join(work, "root"), filepath.Join(rootfs, "dev"), filepath.Join(rootfs, "proc")} {
		err := syscall.Unmount(target, syscall.MNT_DETACH) // with all that is mounted below it
		// Not mounted, not there, or no root, whose mount has failed then, too.
		if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.EPERM) {
			return fmt.Errorf("%s: still mounted: %w", target, err)
		}
	}
	return nil
}

const searched = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookup finds a program in the image as a shell there would, without leaving it.
func lookup(root, name string) (string, error) {
	for _, folder := range strings.Split(searched, ":") {
		if _, err := os.Lstat(filepath.Join(root, folder, name)); err == nil {
			return filepath.Join(folder, name), nil
		}
	}
	return "", fmt.Errorf("%s: no such program in the image and its dependencies", name)
}

// root enters a mount namespace and returns the image's root there. Its thread stays in that namespace.
func (b build) root(dependencies types.Dependencies, work string) (string, error) {
	lower := []string{}
	for number, dependency := range dependencies {
		folder := filepath.Join(work, fmt.Sprint("dependency-", number))
		if err := render(dependency.ImageName.String(), folder); err != nil {
			return "", err
		}
		lower = append([]string{filepath.Join(folder, "rootfs")}, lower...) // what is added last is on top
	}
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return "", fmt.Errorf("a mount namespace: %w; acbuild run needs root", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	root := b.rootfs()
	if len(lower) > 0 {
		root = filepath.Join(work, "root")
		for _, folder := range []string{root, filepath.Join(work, "overlay")} {
			if err := os.Mkdir(folder, 0o755); err != nil {
				return "", err
			}
		}
		layers := fmt.Sprintf(
			"lowerdir=%s,upperdir=%s,workdir=%s", strings.Join(lower, ":"), b.rootfs(), filepath.Join(work, "overlay"),
		)
		if err := syscall.Mount("overlay", root, "overlay", 0, layers); err != nil {
			return "", fmt.Errorf("%s: %w; build on a disk or in /tmp, where overlayfs can write", b.folder, err)
		}
	}
	for _, shown := range []string{"/dev", "/proc"} {
		target := filepath.Join(root, shown)
		if _, err := os.Stat(target); err != nil {
			continue // an image without dependencies need not have it
		}
		if err := syscall.Mount(shown, target, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
			return "", fmt.Errorf("%s: %w", target, err)
		}
	}
	return filepath.Abs(root)
}

// render has rkt fetch an image and lay its files out, with those of its own dependencies.
func render(name, folder string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	rkt := filepath.Join(filepath.Dir(self), "rkt") // root's PATH need not have the folder
	if err := told(exec.Command(rkt, "fetch", "--full", name)); err != nil {
		return err
	}
	return told(exec.Command(rkt, "image", "render", name, folder))
}

// refuseRemoved fails where a program has removed a dependency's file: an image has no way to say that.
func (b build) refuseRemoved() error {
	return filepath.WalkDir(b.rootfs(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeCharDevice == 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if status, ok := info.Sys().(*syscall.Stat_t); ok && status.Rdev == 0 {
			inside := strings.TrimPrefix(path, b.rootfs())
			return fmt.Errorf("%s: removed, but it belongs to a dependency: an image cannot remove files of another", inside)
		}
		return nil
	})
}
