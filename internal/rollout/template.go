package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TemplateHashAnnotation is on the ReplicaSets that Cyan made: the hash of the template as the user wrote it, before
// the API server filled in defaults.
const TemplateHashAnnotation = "rollout.cyan.dev/template-hash"

// hashDigits is long enough that two templates of one Rollout do not meet by chance, and short enough for a name.
const hashDigits = 10

// TemplateHash returns a name for a pod template by what its author wrote: fields that are empty do not count, nor does
// their order. salt makes different hashes of the same template.
func TemplateHash(template corev1.PodTemplateSpec, salt string) string {
	// A typed template always encodes.
	data, _ := json.Marshal(canonical(template))
	sum := sha256.Sum256(append(data, salt...))
	return hex.EncodeToString(sum[:])[:hashDigits]
}

// canonical returns the template as plain maps without empty values; encoding/json sorts the keys.
func canonical(template corev1.PodTemplateSpec) any {
	data, _ := json.Marshal(template)
	var value any
	_ = json.Unmarshal(data, &value)
	fillRequests(value)
	fillHostPorts(value)
	return prune(value)
}

// fillHostPorts adds to the containers of a pod that is on its node's network the host ports that follow from it. Some
// API servers store them, others do not.
func fillHostPorts(template any) {
	t, _ := template.(map[string]any)
	spec, _ := t["spec"].(map[string]any)
	if spec["hostNetwork"] != true {
		return
	}
	containers, _ := spec["containers"].([]any)
	initContainers, _ := spec["initContainers"].([]any)
	for _, c := range append(containers, initContainers...) {
		container, _ := c.(map[string]any)
		ports, _ := container["ports"].([]any)
		for _, p := range ports {
			if port, ok := p.(map[string]any); ok && port["hostPort"] == nil {
				port["hostPort"] = port["containerPort"]
			}
		}
	}
}

// fillRequests adds to resources the requests that follow from their limits.
func fillRequests(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, entry := range v {
			fillRequests(entry)
		}
		if resources, ok := v["resources"].(map[string]any); ok {
			limits, _ := resources["limits"].(map[string]any)
			requests, _ := resources["requests"].(map[string]any)
			if requests == nil && len(limits) > 0 {
				requests = map[string]any{}
				resources["requests"] = requests
			}
			for name, limit := range limits {
				if _, given := requests[name]; !given {
					requests[name] = limit
				}
			}
		}
	case []any:
		for _, entry := range v {
			fillRequests(entry)
		}
	}
}

// prune drops what is empty from maps, all the way down. The elements of lists stay, since their position has a
// meaning.
func prune(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, entry := range v {
			if entry = prune(entry); !empty(entry) {
				kept[key] = entry
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, entry := range v {
			kept[i] = prune(entry)
		}
		return kept
	}
	return value
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case string:
		return v == ""
	}
	return false
}

// sameTemplate reports whether a ReplicaSet runs a template. It goes by meaning, so that a ReplicaSet made by another
// controller, or by another version of this one, is adopted as it is: what the API server filled in makes no
// difference, nor does what a Rollout adds by itself.
func sameTemplate(template corev1.PodTemplateSpec, rs *appsv1.ReplicaSet) bool {
	if made := rs.Annotations[TemplateHashAnnotation]; made != "" && made == TemplateHash(template, "") {
		return true
	}
	wanted := canonical(template)
	if coveredBy(wanted, canonical(WrittenTemplate(rs)), "") {
		return true
	}
	// Tools that go back to a revision copy the metadata of its role as well.
	copied := *rs.Spec.Template.DeepCopy()
	delete(copied.Labels, v1alpha1.PodHashLabel)
	removeVersionAntiAffinity(&copied)
	return coveredBy(wanted, canonical(copied), "")
}

// WrittenTemplate returns a ReplicaSet's template without what a Rollout adds: the hash label, the metadata of its
// role, and the anti-affinity between versions. It is what a return to the ReplicaSet's revision puts into the Rollout.
func WrittenTemplate(rs *appsv1.ReplicaSet) corev1.PodTemplateSpec {
	template := *rs.Spec.Template.DeepCopy()
	delete(template.Labels, v1alpha1.PodHashLabel)
	role := roleMetadata(rs)
	for key := range role.Labels {
		delete(template.Labels, key)
	}
	for key := range role.Annotations {
		delete(template.Annotations, key)
	}
	removeVersionAntiAffinity(&template)
	return template
}

// coveredBy reports whether live is wanted plus nothing but defaults. field is the name of the field that holds both.
func coveredBy(wanted, live any, field string) bool {
	switch w := wanted.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		return ok && mapCoveredBy(w, l, field)
	case []any:
		l, ok := live.([]any)
		if !ok || len(w) != len(l) {
			return false
		}
		for i := range w {
			if !coveredBy(w[i], l[i], field) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(wanted, live)
}

func mapCoveredBy(wanted, live map[string]any, field string) bool {
	for key, value := range wanted {
		if !coveredBy(value, live[key], key) {
			return false
		}
	}
	for key, value := range live {
		if _, given := wanted[key]; !given && !filledIn(field, key, value, live) {
			return false
		}
	}
	return true
}

// freeKeys are the fields whose keys people choose: nothing in them is filled in.
var freeKeys = []string{"labels", "annotations", "nodeSelector", "matchLabels", "limits", "requests", "volumeAttributes", "options"}

// filledIn reports whether a key of a field is one that the API server sets by itself when it is left out, with the
// value that it sets. The values are those of Kubernetes' API reference.
func filledIn(field, key string, value any, siblings map[string]any) bool {
	if slices.Contains(freeKeys, field) {
		return false
	}
	switch key {
	case "imagePullPolicy":
		image, _ := siblings["image"].(string)
		return value == defaultPullPolicy(image)
	case "serviceAccount":
		return value == siblings["serviceAccountName"]
	case "creationTimestamp":
		return field == "metadata"
	}
	wantedDefault, ok := defaults[field+"."+key]
	if !ok {
		wantedDefault, ok = defaults[key]
	}
	if ok {
		return reflect.DeepEqual(value, wantedDefault)
	}
	m, isMap := value.(map[string]any)
	return isMap && mapCoveredBy(nil, m, key)
}

// defaultPullPolicy returns what the API server chooses for an image.
func defaultPullPolicy(image string) string {
	name, _, digested := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	if tag == "latest" || (!tagged && !digested) {
		return "Always"
	}
	return "IfNotPresent"
}

// defaults are fields of pod templates, by FIELD or PARENT.FIELD, whose default does not depend on other fields.
// Numbers are as JSON reads them.
var defaults = map[string]any{
	"restartPolicy":                 "Always",
	"dnsPolicy":                     "ClusterFirst",
	"schedulerName":                 "default-scheduler",
	"terminationGracePeriodSeconds": 30.0,
	"enableServiceLinks":            true,
	"terminationMessagePath":        "/dev/termination-log",
	"terminationMessagePolicy":      "File",
	"protocol":                      "TCP",
	"scheme":                        "HTTP",
	"path":                          "/",
	"timeoutSeconds":                1.0,
	"periodSeconds":                 10.0,
	"successThreshold":              1.0,
	"failureThreshold":              3.0,
	"apiVersion":                    "v1",
	"defaultMode":                   420.0,
	"expirationSeconds":             3600.0,
	"divisor":                       "0",
	"procMount":                     "Default",
	"nodeAffinityPolicy":            "Honor",
	"nodeTaintsPolicy":              "Ignore",
	"volumeMode":                    "Filesystem",
	"iscsiInterface":                "default",
	"azureDisk.cachingMode":         "ReadWrite",
	"azureDisk.fsType":              "ext4",
	"azureDisk.kind":                "Shared",
	"azureDisk.readOnly":            false,
	"scaleIO.fsType":                "xfs",
	"scaleIO.storageMode":           "ThinProvisioned",
	"rbd.pool":                      "rbd",
	"rbd.user":                      "admin",
	"rbd.keyring":                   "/etc/ceph/keyring",
	"pullPolicy":                    "IfNotPresent",
}
