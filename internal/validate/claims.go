package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/apps"
)

// podVolumes is the field of a StatefulSet that has the volumes of its pods.
const podVolumes = "spec.template.spec.volumes"

// asWritten returns the errors of a StatefulSet at the fields that its manifest has. The rules look at a pod as it will
// be, which has a volume for each claim template before its own ones, in no order: the numbers of theirs are others.
func asWritten(set *apps.StatefulSet, errs field.ErrorList) field.ErrorList {
	templates := map[string]int{}
	for i, claim := range slices.Backward(set.Spec.VolumeClaimTemplates) {
		templates[claim.Name] = i
	}
	var written []int
	for i, volume := range set.Spec.Template.Spec.Volumes {
		if _, replaced := templates[volume.Name]; !replaced {
			written = append(written, i)
		}
	}
	for _, e := range errs {
		at, below, ok := elementOf(podVolumes, e.Field)
		switch {
		case !ok || len(templates) == 0:
		case at < len(templates):
			name, _ := e.BadValue.(string)
			e.Field = fmt.Sprintf("spec.volumeClaimTemplates[%d].metadata.name", templates[name])
		case at-len(templates) < len(written):
			e.Field = fmt.Sprintf("%s[%d]%s", podVolumes, written[at-len(templates)], below)
		}
	}
	return errs
}

// elementOf returns which element of a list a field is in, and what comes after its number.
func elementOf(list, path string) (at int, below string, ok bool) {
	rest, ok := strings.CutPrefix(path, list+"[")
	if !ok {
		return 0, "", false
	}
	number, below, _ := strings.Cut(rest, "]")
	at, err := strconv.Atoi(number)
	return at, below, err == nil
}
