package volumes

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func asked() controller.ProvisionOptions {
	return controller.ProvisionOptions{
		StorageClass: &storagev1.StorageClass{}, PVName: "pvc-1", SelectedNodeName: "cyan",
		PVC: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		}},
	}
}

// TestVolume: a claim gets a directory of its own that any user may write to, and its removal takes that alone.
func TestVolume(t *testing.T) {
	root := filepath.Join(t.TempDir(), "volumes")
	d := directories{root}
	pv, state, err := d.Provision(t.Context(), asked())
	if err != nil || state != controller.ProvisioningFinished {
		t.Fatal(state, err)
	}
	path := filepath.Join(root, "pvc-1")
	for of, want := range map[string]os.FileMode{root: 0o700, path: 0o777} {
		if info, err := os.Stat(of); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v; want %o", of, info, err, want)
		}
	}
	s := pv.Spec
	node := s.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0]
	if pv.Name != "pvc-1" || s.Local.Path != path || s.Capacity.Storage().String() != "1Gi" || s.AccessModes[0] != corev1.ReadWriteOnce || s.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || node.Values[0] != "cyan" {
		t.Errorf("got %+v", pv)
	}
	// Asked again, after a crash, it is the same one, with what is in it.
	if err := os.WriteFile(filepath.Join(path, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Provision(t.Context(), asked()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(path, "kept")); err != nil {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(root, "pvc-2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete(t.Context(), pv); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 1 || left[0].Name() != "pvc-2" {
		t.Errorf("left: %v, %v; want the other volume's directory", left, err)
	}
	keep := corev1.PersistentVolumeReclaimRetain
	o := asked()
	o.StorageClass.ReclaimPolicy = &keep
	if pv, _, err = d.Provision(t.Context(), o); err != nil || pv.Spec.PersistentVolumeReclaimPolicy != keep {
		t.Errorf("a class that keeps: got %+v, %v", pv, err)
	}
}

// TestRefusals: what can't be served is named, and nothing outside the root is removed.
func TestRefusals(t *testing.T) {
	d := directories{t.TempDir()}
	block := corev1.PersistentVolumeBlock
	for want, change := range map[string]func(*controller.ProvisionOptions){
		"spec.selector":                        func(o *controller.ProvisionOptions) { o.PVC.Spec.Selector = &metav1.LabelSelector{} },
		"spec.volumeMode: Block":               func(o *controller.ProvisionOptions) { o.PVC.Spec.VolumeMode = &block },
		"spec.dataSource: snapshots":           func(o *controller.ProvisionOptions) { o.PVC.Spec.DataSource = &corev1.TypedLocalObjectReference{} },
		"spec.dataSource: snapshots and":       func(o *controller.ProvisionOptions) { o.PVC.Spec.DataSourceRef = &corev1.TypedObjectReference{} },
		"no node was chosen":                   func(o *controller.ProvisionOptions) { o.SelectedNodeName = "" },
		`volume "..": not a name`:              func(o *controller.ProvisionOptions) { o.PVName = ".." },
		`volume "a/../../b": not a name`:       func(o *controller.ProvisionOptions) { o.PVName = "a/../../b" },
		`volume "": not a name of a directory`: func(o *controller.ProvisionOptions) { o.PVName = "" },
	} {
		o := asked()
		change(&o)
		if pv, state, err := d.Provision(t.Context(), o); err == nil || pv != nil || state != controller.ProvisioningFinished || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %s, %v", want, pv, state, err)
		}
	}
	outside := t.TempDir()
	for name, pv := range map[string]*corev1.PersistentVolume{
		"of another kind":   {ObjectMeta: metav1.ObjectMeta{Name: "a"}},
		"somewhere else":    {ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: outside}}}},
		"of another's name": {ObjectMeta: metav1.ObjectMeta{Name: ".."}, Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: filepath.Dir(d.root)}}}},
	} {
		err := d.Delete(t.Context(), pv)
		if ignored := (&controller.IgnoredError{}); err == nil || name != "of another's name" && !errors.As(err, &ignored) {
			t.Errorf("a volume %s: got %v", name, err)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}
