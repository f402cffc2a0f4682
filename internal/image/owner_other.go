//go:build !unix

package image

import "io/fs"

// owner returns the user that a file belongs to.
func owner(fs.FileInfo) (uid int, known bool) { return 0, false }
