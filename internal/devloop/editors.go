package devloop

import (
	"fmt"
	"net"
	"path"
)

// editorSettings is how a debugger connects to an address, for those that people use.
func editorSettings(image, address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return fmt.Sprintf(`dlv connect %[1]s

VS Code, in .vscode/launch.json:
{
  "version": "0.2.0",
  "configurations": [
    {"name": "%[2]s in the cluster", "type": "go", "request": "attach", "mode": "remote", "host": "%[3]s", "port": %[4]s}
  ]
}

GoLand: Run > Edit Configurations > + > Go Remote, Host %[3]s, Port %[4]s, On disconnect: Leave it running`, address, path.Base(image), host, port)
}
