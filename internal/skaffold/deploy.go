package skaffold

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// manifests returns what a module deploys.
func (s scene) manifests(doc *node, wanted bool) Manifests {
	n, namespace := doc.get("manifests"), s.namespace(doc)
	all := Manifests{Hooks: s.hooks(n.get("hooks"), "manifests.hooks")}
	if kustomize := n.get("kustomize"); kustomize != nil {
		for i, p := range s.kustomizePaths(kustomize) {
			at := fmt.Sprintf("manifests.kustomize.paths[%d]", i)
			if folder, ok := s.kustomization(p, at); ok {
				all.Kustomize = append(all.Kustomize, Kustomization{Path: folder, Namespace: namespace, Position: p.at})
			}
		}
	}
	for i, p := range n.list("rawYaml") {
		at := fmt.Sprintf("manifests.rawYaml[%d]", i)
		if pattern, ok := s.raw(p, at); ok {
			all.Raw = append(all.Raw, Raw{Pattern: pattern, Namespace: namespace, Position: p.at})
		}
	}
	if !hasManifests(doc) {
		all.Raw = s.rawByDefault(doc, namespace, wanted)
	}
	return all
}

func hasManifests(doc *node) bool {
	for _, name := range []string{"kustomize", "rawYaml", "helm", "kpt", "remoteManifests"} {
		if doc.get("manifests", name) != nil {
			return true
		}
	}
	for _, name := range []string{"helm", "kpt", "docker", "cloudrun"} {
		if doc.get("deploy", name) != nil {
			return true
		}
	}
	return doc.get("deploy", "kubectl", "remoteManifests") != nil
}

func (s scene) kustomizePaths(kustomize *node) []*node {
	if paths := kustomize.list("paths"); len(paths) > 0 {
		return paths
	}
	return []*node{{shape: scalar, text: ".", at: kustomize.at}}
}

// kustomizationFiles are the names of which a folder has one.
var kustomizationFiles = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

func (s scene) kustomization(n *node, object string) (string, bool) {
	written := s.expanded(n, object)
	if strings.Contains(written, "://") || strings.HasPrefix(written, "git@") {
		s.report.add(n.at, Error, "remote", object, written+": kustomizations elsewhere are not fetched", "copy it into the repository, and give its folder")
		return "", false
	}
	before := len(s.report.findings)
	folder := s.folder(n, object, s.base, written)
	if len(s.report.findings) > before {
		return "", false
	}
	if _, ok := kustomizationIn(s, folder); !ok {
		remedy := "give the folder of an overlay"
		if folders := s.overlaysBelow(folder); len(folders) > 0 {
			remedy = "give one of " + listed(folders)
		}
		s.report.add(n.at, Error, "path", object, fmt.Sprintf("folder %q has no kustomization.yaml", folder), remedy)
		return "", false
	}
	return folder, true
}

func kustomizationIn(s scene, folder string) (string, bool) {
	for _, name := range kustomizationFiles {
		if file := path.Join(folder, name); isFile(s.fsys, file) {
			return file, true
		}
	}
	return "", false
}

// rawByDefault is what is deployed when a module names nothing.
func (s scene) rawByDefault(doc *node, namespace string, wanted bool) []Raw {
	const pattern = "k8s/*.yaml"
	to := path.Join(s.base, pattern)
	if len(globbed(s.fsys, to)) > 0 {
		return []Raw{{Pattern: to, Namespace: namespace, Position: doc.at}}
	}
	if !wanted || len(doc.get("build").list("artifacts")) == 0 {
		return nil
	}
	var profiles []string
	for _, p := range doc.list("profiles") {
		if p.get("manifests") != nil || p.get("deploy") != nil {
			profiles = append(profiles, p.str("name"))
		}
	}
	remedy := "give manifests.kustomize.paths or manifests.rawYaml"
	if len(profiles) > 0 {
		remedy = "choose a profile that deploys something: -p " + strings.Join(profiles, ", -p ")
	}
	s.report.add(doc.at, Error, "manifests", "manifests", "none given, and "+to+" matches no file", remedy)
	return nil
}

// raw returns a pattern of files.
func (s scene) raw(n *node, object string) (string, bool) {
	if n.shape != scalar {
		return "", false
	}
	if strings.Contains(n.text, "://") {
		s.report.add(n.at, Error, "remote", object, n.text+": manifests elsewhere are not fetched", "copy the file into the repository, and give its path")
		return "", false
	}
	to, ok := s.resolve(n.at, object, s.base, n.text)
	if !ok {
		return "", false
	}
	s.pattern(n, object, n.text)
	if len(globbed(s.fsys, to)) == 0 {
		remedy := "correct it; ** stands for one folder here"
		if near := s.near(to); near != "" && !strings.ContainsAny(to, "*?[") {
			remedy = fmt.Sprintf("did you mean %s?", near)
		}
		s.report.add(n.at, Warning, "path", object, fmt.Sprintf("%q matches no file", to), remedy)
	}
	return to, true
}

// namespace returns the one of objects that name none.
func (s scene) namespace(doc *node) string {
	return s.expanded(doc.get("deploy", "kubectl", "defaultNamespace"), "deploy.kubectl.defaultNamespace")
}

// deploy reads how a module is deployed.
func (s scene) deploy(doc *node) Deploy {
	n := doc.get("deploy")
	d := Deploy{Namespace: s.namespace(doc), KubeContext: n.str("kubeContext"), StatusCheck: true, StatusCheckSeconds: n.number("statusCheckDeadlineSeconds"), LogPrefix: orElse(n.str("logs", "prefix"), "auto")}
	if check := n.get("statusCheck"); check != nil {
		d.StatusCheck = check.bool()
	}
	d.Tolerates = n.flag("tolerateFailuresUntilDeadline")
	if prefixes := []string{"container", "podAndContainer", "auto", "none"}; !slices.Contains(prefixes, d.LogPrefix) {
		s.report.add(n.get("logs", "prefix").at, Error, "logs", "deploy.logs.prefix", fmt.Sprintf("%q unknown", d.LogPrefix), "choose one of "+strings.Join(prefixes, ", "))
	}
	d.Hooks = s.hooks(n.get("kubectl", "hooks"), "deploy.kubectl.hooks")
	return d
}

// together joins how two modules are deployed.
func (d Deploy) together(other Deploy, at Position, r *report) Deploy {
	if d.KubeContext != "" && other.KubeContext != "" && d.KubeContext != other.KubeContext {
		r.add(at, Error, "context", "deploy.kubeContext", other.KubeContext+" where another module has "+d.KubeContext, "deploy them with one context, or choose a module with -m")
	}
	if d.Namespace != other.Namespace {
		// Each manifest has its own.
		d.Namespace = ""
	}
	d.KubeContext = orElse(d.KubeContext, other.KubeContext)
	d.StatusCheck, d.Tolerates = d.StatusCheck && other.StatusCheck, d.Tolerates || other.Tolerates
	d.StatusCheckSeconds = max(d.StatusCheckSeconds, other.StatusCheckSeconds)
	if d.LogPrefix == "auto" {
		d.LogPrefix = other.LogPrefix
	}
	d.Hooks.Before = append(d.Hooks.Before, other.Hooks.Before...)
	d.Hooks.After = append(d.Hooks.After, other.Hooks.After...)
	return d
}

// hostHooks reads commands that run on this machine.
func (s scene) hostHooks(n *node, path string) Hooks {
	return hooksOf(n, func(item *node, at string) (Hook, bool) { return s.hostHook(item, at) }, path)
}

// hooks reads commands of which each says where it runs.
func (s scene) hooks(n *node, path string) Hooks {
	return hooksOf(n, func(item *node, at string) (Hook, bool) {
		if host := item.get("host"); host != nil {
			return s.hostHook(host, at+".host")
		}
		container := item.get("container")
		if container == nil {
			s.report.add(item.at, Error, "required", at, "names neither host nor container", "write the command below one of them")
			return Hook{}, false
		}
		h := Hook{Container: true, Command: container.strings("command"), Pods: container.str("podName"), Containers: container.str("containerName"), Position: container.at}
		return h, s.commanded(container, at+".container", h)
	}, path)
}

func hooksOf(n *node, read func(*node, string) (Hook, bool), path string) Hooks {
	var all Hooks
	for _, when := range []string{"before", "after"} {
		for i, item := range n.list(when) {
			h, ok := read(item, fmt.Sprintf("%s.%s[%d]", path, when, i))
			switch {
			case ok && when == "before":
				all.Before = append(all.Before, h)
			case ok:
				all.After = append(all.After, h)
			}
		}
	}
	return all
}

func (s scene) hostHook(n *node, path string) (Hook, bool) {
	h := Hook{Command: n.strings("command"), OS: n.strings("os"), Dir: s.base, Position: n.at}
	if dir := n.get("dir"); dir != nil {
		h.Dir = s.folder(dir, path+".dir", s.base, dir.text)
	}
	return h, s.commanded(n, path, h)
}

func (s scene) commanded(n *node, path string, h Hook) bool {
	if len(h.Command) == 0 {
		s.report.add(n.at, Error, "required", path+".command", "missing", "write it as a list of words")
	}
	return len(h.Command) > 0
}

// forwardable are the kinds that ports lead to.
var forwardable = []string{"service", "pod", "deployment", "rollout", "replicaset", "replicationcontroller", "statefulset", "daemonset", "job", "cronjob"}

// forwards returns the ports of a module.
func (s scene) forwards(doc *node) []Forward {
	var all []Forward
	for i, n := range doc.list("portForward") {
		path := fmt.Sprintf("portForward[%d]", i)
		f := Forward{
			Type: strings.ToLower(s.required(n, path, "resourceType")), Name: s.expanded(n.get("resourceName"), path+".resourceName"), Namespace: s.expanded(n.get("namespace"), path+".namespace"),
			Port: s.required(n, path, "port"), LocalPort: n.number("localPort"), Address: orElse(n.str("address"), "127.0.0.1"), Position: n.at,
		}
		s.required(n, path, "resourceName")
		if s.forwardable(n.get("resourceType"), f, path) {
			all = append(all, f)
		}
	}
	return all
}

func (s scene) forwardable(n *node, f Forward, path string) bool {
	if f.Type != "" && !slices.Contains(forwardable, f.Type) {
		remedy := "choose one of " + strings.Join(forwardable, ", ")
		if meant := spelling.Closest(f.Type, forwardable); meant != "" {
			remedy = fmt.Sprintf("did you mean %s?", meant)
		}
		s.report.add(n.at, Error, "forward", path+".resourceType", fmt.Sprintf("%q unknown", n.text), remedy)
		return false
	}
	if f.LocalPort < 0 || f.LocalPort > 65535 {
		s.report.add(f.Position, Error, "forward", path+".localPort", fmt.Sprintf("%d is not a port", f.LocalPort), "write a number from 1 to 65535")
		return false
	}
	// What is wrong with the others was reported where it stands.
	number, err := strconv.Atoi(f.Port)
	return f.Type != "" && f.Name != "" && f.Port != "" && (err != nil || number >= 1 && number <= 65535)
}
