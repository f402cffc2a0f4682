package cluster

import (
	"syscall"
	"testing"
)

func TestWhyLayersAreCopied(t *testing.T) {
	for dir, want := range map[string]string{
		"/data/a:b":   "each layer is copied, since a : or , in /data/a:b keeps overlayfs from it; choose a directory without with --dir",
		"/data/a,b":   "each layer is copied, since a : or , in /data/a,b keeps overlayfs from it; choose a directory without with --dir",
		"/data/plain": "each layer is copied, since overlayfs is not served on the file system of /data/plain (invalid argument); choose a directory on another one with --dir",
	} {
		if got := whyNative(dir, syscall.EINVAL); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
