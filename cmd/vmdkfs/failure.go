package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// fail reports that something about path failed, and makes the exit status
// tell.
func (a *app) fail(path string, err error) {
	if err == nil {
		return
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range list.Unwrap() {
			a.fail(path, e)
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = true
	if errors.Is(err, context.Canceled) {
		return // run says so, once
	}
	a.failures++
	a.line("failure", a.about(path), err)
}

// tell reports what is a failure where something is lost, and a warning where
// nothing is.
func (a *app) tell(path string, err error, loss bool) {
	if loss {
		a.fail(path, err)
	} else {
		a.warn(path, err)
	}
}

// about returns what an error is about: the whole image has no path.
func (a *app) about(path string) string {
	if path == "" {
		return a.image
	}
	return path
}

// warn reports err without any influence on the exit status.
func (a *app) warn(path string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.line("warning", a.about(path), err)
}

// line prints one line of what went wrong, a failure or a warning; a.mu is
// held.
func (a *app) line(kind, path string, err error) {
	if kind == "warning" {
		path = "warning: " + path
	}
	text := reason(path, err)
	if a.events {
		a.event(struct {
			Event  string `json:"event"`
			Path   string `json:"path"`
			Reason string `json:"reason"`
		}{kind, strings.TrimPrefix(path, "warning: "), text})
		return
	}
	fmt.Fprintf(a.stderrNow(), "vmdkfs: %s: %s\n", printable(path), printable(text))
}

// stderrNow returns where lines for standard error go; a.mu is held.
func (a *app) stderrNow() io.Writer {
	if a.bars != nil {
		return a.bars // above the bar
	}
	return a.stderr
}

// outputFailed reports that standard output could not be written, once. Nobody
// wants to read of a pipe that was closed.
func (a *app) outputFailed(err error) error {
	if err == nil {
		return nil
	}
	told := a.outFailed
	a.failed, a.outFailed = true, true
	if !told && !errors.Is(err, syscall.EPIPE) {
		a.fail("standard output", err)
	}
	return errFailed
}

// reason returns what err says, without the operations and paths around it
// that the line has said already.
func reason(path string, err error) string {
	for {
		switch e := err.(type) {
		case *fs.PathError:
			at, said := printable(e.Path), printable(path) // a path may be given as it was printed
			if at != said && !strings.HasSuffix(said, "/"+at) && !strings.HasPrefix(path, "warning") {
				return e.Path + ": " + reason(e.Path, e.Err)
			}
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		case interface{ Unwrap() []error }:
			return reasons(path, e.Unwrap())
		default:
			switch {
			case err == fs.ErrNotExist:
				return "no such file or directory"
			case err == fs.ErrExist:
				return "exists already"
			}
			return err.Error()
		}
	}
}

// reasons returns what several errors say, in one line, the same once.
func reasons(path string, errs []error) string {
	var list []string
	for _, err := range errs {
		if text := reason(path, err); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, "; ")
}
