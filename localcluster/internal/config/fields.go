package config

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"go.yaml.in/yaml/v3"
)

func (r *reader) file(node *yaml.Node) File {
	var f File
	seen := map[string]bool{}
	constant := func(want string) func(string, *yaml.Node) {
		return func(path string, value *yaml.Node) {
			seen[path] = true
			if got := r.text(value, path); got != "" && got != want {
				r.fail(value, path, "%q is not known here; write %s", got, want)
			}
		}
	}
	var mounts *yaml.Node
	r.mapping(node, "", fields{
		"apiVersion": constant(apiVersion),
		"kind":       constant(kind),
		"nodes":      func(path string, value *yaml.Node) { r.nodes(value, path, &f) },
		"ports":      func(path string, value *yaml.Node) { r.ports(value, path, &f.Ports) },
		"without":    func(path string, value *yaml.Node) { f.Without = r.without(value, path) },
		"mirrors":    func(path string, value *yaml.Node) { f.Settings.Mirrors = r.mirrors(value, path) },
		"registries": func(path string, value *yaml.Node) { f.Settings.Registries = r.registries(value, path) },
		"mounts": func(path string, value *yaml.Node) {
			mounts, f.Settings.Mounts = value, r.mounts(value, path)
		},
		"featureGates": func(path string, value *yaml.Node) { f.Settings.FeatureGates = r.gates(value, path) },
	})
	for _, field := range []string{"apiVersion", "kind"} {
		if node.Kind == yaml.MappingNode && !seen[field] {
			r.fail(node, field, "missing; write %s", map[string]string{"apiVersion": apiVersion, "kind": kind}[field])
		}
	}
	if f.Nodes == "simulated" && mounts != nil {
		r.fail(mounts, "mounts", "simulated nodes have no files; leave it out, or take real ones by nodes.kind")
	}
	return f
}

func (r *reader) nodes(node *yaml.Node, path string, f *File) {
	r.mapping(node, path, fields{
		"kind": func(path string, value *yaml.Node) {
			f.Nodes = r.text(value, path)
			if f.Nodes != "" && f.Nodes != "real" && f.Nodes != "simulated" {
				r.fail(value, path, "%q is neither real nor simulated", f.Nodes)
			}
		},
		"simulated": func(path string, value *yaml.Node) { f.Simulated = r.number(value, path, 0, mostNodes) },
	})
}

func (r *reader) ports(node *yaml.Node, path string, ports *Ports) {
	taken := map[int]string{}
	port := func(to *int) func(string, *yaml.Node) {
		return func(path string, value *yaml.Node) {
			*to = r.number(value, path, 1, 65535)
			if other := taken[*to]; *to != 0 && other != "" {
				r.fail(value, path, "%d is that of %s; give each its own", *to, other)
			}
			taken[*to] = path
		}
	}
	r.mapping(node, path, fields{"apiServer": port(&ports.APIServer), "registry": port(&ports.Registry), "ingress": port(&ports.Ingress)})
}

func (r *reader) without(node *yaml.Node, path string) []string {
	extras := []string{}
	r.list(node, path, func(path string, item *yaml.Node) {
		extra := r.text(item, path)
		if extra != "" && !slices.Contains(r.known.Extras, extra) {
			r.fail(item, path, "%q is unknown; there are %s", extra, strings.Join(r.known.Extras, ", "))
		}
		extras = append(extras, extra)
	})
	return extras
}

func (r *reader) mirrors(node *yaml.Node, path string) map[string][]string {
	found := map[string][]string{}
	r.each(node, path, func(key, value *yaml.Node) {
		host := r.host(key, path)
		r.list(value, join(path, key.Value), func(path string, item *yaml.Node) {
			text := r.text(item, path)
			u, err := url.Parse(text)
			switch {
			case text == "":
			case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
				r.fail(item, path, "%q is not the URL of a registry; write it as https://mirror.example, and its account below registries", text)
			case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
				r.fail(item, path, "%q has more than a host, which is not honoured; leave %s out", text, u.Path)
			default:
				found[host] = append(found[host], u.Scheme+"://"+u.Host)
			}
		})
	})
	return found
}

// host reads the host of a registry, by the name that images have it by.
func (r *reader) host(key *yaml.Node, path string) string {
	registry, err := name.NewRegistry(key.Value, name.StrictValidation)
	if err != nil || strings.ContainsAny(key.Value, "/ ") {
		r.fail(key, join(path, key.Value), "not the host of a registry; write it as docker.io or registry.example:5000")
		return key.Value
	}
	return registry.Name()
}

func (r *reader) registries(node *yaml.Node, path string) map[string]Registry {
	found := map[string]Registry{}
	r.each(node, path, func(key, value *yaml.Node) {
		host := r.host(key, path)
		var registry Registry
		at := join(path, key.Value)
		r.mapping(value, at, fields{
			"username": func(path string, value *yaml.Node) { registry.Username = r.text(value, path) },
			"password": func(path string, value *yaml.Node) { registry.Password = r.text(value, path) },
			"passwordFile": func(path string, value *yaml.Node) {
				registry.PasswordFile = r.text(value, path)
				if file := registry.PasswordFile; file != "" && (!filepath.IsAbs(file) || !r.known.IsFile(file)) {
					r.fail(value, path, "%q is not the absolute path of a file of this machine", file)
				}
			},
			"plainHTTP": func(path string, value *yaml.Node) { registry.PlainHTTP = r.bool(value, path) },
		})
		switch {
		case registry.Password != "" && registry.PasswordFile != "":
			r.fail(value, at, "both password and passwordFile; keep one")
		case (registry.Username == "") != (registry.Password == "" && registry.PasswordFile == ""):
			r.fail(value, at, "an account has a username and a password or a passwordFile; give both, or neither")
		}
		found[host] = registry
	})
	return found
}

// ownMounts is where the node has a file system of its own, when something is mounted below.
const ownMounts = "/mnt"

func (r *reader) mounts(node *yaml.Node, path string) []Mount {
	var found []Mount
	taken := map[string]string{}
	r.list(node, path, func(path string, item *yaml.Node) {
		var m Mount
		r.mapping(item, path, fields{
			"hostPath": func(path string, value *yaml.Node) {
				m.HostPath = r.text(value, path)
				if m.HostPath != "" && (!filepath.IsAbs(m.HostPath) || !r.known.IsDir(m.HostPath)) {
					r.fail(value, path, "%q is not the absolute path of a directory of this machine", m.HostPath)
				}
			},
			"nodePath": func(path string, value *yaml.Node) {
				m.NodePath = r.text(value, path)
				if m.NodePath == "" {
					return
				}
				if problem := r.nodePath(m.NodePath); problem != "" {
					r.fail(value, path, "%q %s", m.NodePath, problem)
				}
				if other := taken[m.NodePath]; other != "" {
					r.fail(value, path, "%q is that of %s; give each its own", m.NodePath, other)
				}
				taken[m.NodePath] = path
			},
			"readOnly": func(path string, value *yaml.Node) { m.ReadOnly = r.bool(value, path) },
		})
		if item.Kind == yaml.MappingNode && (m.HostPath == "" || m.NodePath == "") {
			r.fail(item, path, "a mount has a hostPath and a nodePath; give both")
		}
		found = append(found, m)
	})
	return found
}

// systemDirs have the accounts, programs and libraries that parts of the node look for; directories in them may be
// replaced.
var systemDirs = []string{"/", "/etc", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/bin", "/sbin", "/lib", "/lib64"}

// nodePath returns what is wrong with a path on the node, "" for nothing.
func (r *reader) nodePath(path string) string {
	below := func(dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
	switch {
	case !filepath.IsAbs(path) || filepath.Clean(path) != path:
		return "is not an absolute path without detours; write it as /mnt/data"
	case slices.Contains(systemDirs, path) || slices.ContainsFunc([]string{"/proc", "/sys", "/dev", "/run", "/var/run"}, below):
		return "would hide what the node needs; take one below " + ownMounts
	case strings.HasPrefix(r.known.Own+"/", path+"/") || r.known.Own != "" && strings.HasPrefix(path, r.known.Own+"/"):
		return "would hide the cluster's own directory, " + r.known.Own + ", or what is in it; take one below " + ownMounts
	case path != ownMounts && below(ownMounts) || r.known.IsDir(path):
		return ""
	}
	return "is neither below " + ownMounts + " nor a directory of this machine, and nothing is made on it for a cluster; take one below " + ownMounts
}

func (r *reader) gates(node *yaml.Node, path string) map[string]bool {
	found := map[string]bool{}
	r.each(node, path, func(key, value *yaml.Node) {
		at := join(path, key.Value)
		gate, known := r.known.Gates[key.Value]
		on := r.bool(value, at)
		switch {
		case !known:
			r.fail(key, at, "unknown feature gate; %s", like(key.Value, r.known.Gates))
		case gate.Locked && on != gate.Default:
			r.fail(value, at, "locked to %t in this version of Kubernetes; leave it out", gate.Default)
		default:
			found[key.Value] = on
		}
	})
	return found
}

// like names the gates that begin as one does, or differ by case alone.
func like(typed string, gates map[string]Gate) string {
	const beginning, most = 5, 5
	var near []string
	for _, gate := range slices.Sorted(maps.Keys(gates)) {
		n := min(beginning, len(typed), len(gate))
		if n > 0 && strings.EqualFold(gate[:n], typed[:n]) && len(near) < most {
			near = append(near, gate)
		}
	}
	if len(near) == 0 {
		return "kube-apiserver --help lists those of its version"
	}
	return "some that begin alike are " + strings.Join(near, ", ")
}
