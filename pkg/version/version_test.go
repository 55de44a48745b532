package version

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCommitOf_ReadsTheBuild(t *testing.T) {
	t.Parallel()
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "abc"}
	assert.Empty(t, commitOf(nil))
	assert.Empty(t, commitOf([]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}))
	assert.Equal(
		t,
		"abc",
		commitOf([]debug.BuildSetting{{Key: "-trimpath", Value: "true"}, revision, {Key: "vcs.modified", Value: "false"}}),
	)
	assert.Equal(t, "abc-dirty", commitOf([]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, revision}))
}

func TestVersionOf_FindsAModule(t *testing.T) {
	t.Parallel()
	modules := []*debug.Module{{Path: "example.com/a", Version: "v1.0.0"}, {Path: "example.com/a/b", Version: "v2.0.0"}}
	assert.Equal(t, "v2.0.0", versionOf("example.com/a/b", modules))
	assert.Empty(t, versionOf("example.com/b", modules))
}
