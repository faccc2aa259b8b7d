package main

import "runtime/debug"

// release is the version that is being worked towards.
const release = "0.1.0"

// version returns the release and what the build says of its source.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " with changes"
		}
	}
	return release + revision + modified + " " + info.GoVersion
}
