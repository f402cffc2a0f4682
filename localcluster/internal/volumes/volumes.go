// Package volumes gives a cluster its default StorageClass: a claim gets a directory of its own on this machine's disk,
// which lasts as long as the claim does.
package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	// ClassName is the default StorageClass, by the name that kind and minikube have for theirs.
	ClassName = "standard"
	// provisioner is who makes its volumes.
	provisioner    = "cyan.dev/local-volume"
	isDefaultClass = "storageclass.kubernetes.io/is-default-class"
	// workers is how many claims are served at the same time.
	workers = 2
)

// EnsureClass makes the default StorageClass, unless there is one of its name.
func EnsureClass(ctx context.Context, client kubernetes.Interface) error {
	wait, reclaim := storagev1.VolumeBindingWaitForFirstConsumer, corev1.PersistentVolumeReclaimDelete
	_, err := client.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: ClassName, Annotations: map[string]string{isDefaultClass: "true"}},
		Provisioner: provisioner, VolumeBindingMode: &wait, ReclaimPolicy: &reclaim,
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making StorageClass %s: %w", ClassName, err)
	}
	return nil
}

// Run serves claims below directory until ctx ends.
func Run(ctx context.Context, client kubernetes.Interface, directory string) {
	controller.NewProvisionController(ctx, client, provisioner, directories{directory}, controller.LeaderElection(false), controller.Threadiness(workers)).Run(ctx)
}

// directories makes and removes the directories of volumes.
type directories struct{ root string }

// Provision makes the directory of a volume on the node that was chosen for its first pod.
func (d directories) Provision(_ context.Context, o controller.ProvisionOptions) (*corev1.PersistentVolume, controller.ProvisioningState, error) {
	if err := checkClaim(o.PVC); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if o.SelectedNodeName == "" {
		return nil, controller.ProvisioningFinished, fmt.Errorf("no node was chosen: set volumeBindingMode WaitForFirstConsumer in StorageClass %s", o.StorageClass.Name)
	}
	path, err := d.path(o.PVName)
	if err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// Whatever user a container runs as may write in its volume, and nobody reaches the directory on this machine from
	// outside, since the one above it is its owner's.
	const forAll = 0o777
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("making the directory of volumes: %w", err)
	}
	if err := os.Mkdir(path, forAll); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, controller.ProvisioningFinished, fmt.Errorf("making the directory of a volume: %w", err)
	}
	if err := os.Chmod(path, forAll); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("opening the directory of a volume: %w", err)
	}
	return volume(o, path), controller.ProvisioningFinished, nil
}

// volume is the PersistentVolume of a directory, for pods on one node.
func volume(o controller.ProvisionOptions, path string) *corev1.PersistentVolume {
	reclaim := corev1.PersistentVolumeReclaimDelete
	if o.StorageClass.ReclaimPolicy != nil {
		reclaim = *o.StorageClass.ReclaimPolicy
	}
	mode := corev1.PersistentVolumeFilesystem
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: reclaim, AccessModes: o.PVC.Spec.AccessModes, VolumeMode: &mode,
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: o.PVC.Spec.Resources.Requests[corev1.ResourceStorage]},
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{o.SelectedNodeName}}},
			}}}},
		},
	}
}

// checkClaim returns why a claim can't be served.
func checkClaim(claim *corev1.PersistentVolumeClaim) error {
	switch {
	case claim.Spec.Selector != nil:
		return errors.New("spec.selector: not served for volumes that are made on demand; leave it out")
	case claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode != corev1.PersistentVolumeFilesystem:
		return fmt.Errorf("spec.volumeMode: %s is not served; use Filesystem", *claim.Spec.VolumeMode)
	case claim.Spec.DataSource != nil || claim.Spec.DataSourceRef != nil:
		return errors.New("spec.dataSource: snapshots and clones are not served; leave it out")
	}
	return nil
}

// Delete removes the directory of a volume, with everything in it.
func (d directories) Delete(_ context.Context, pv *corev1.PersistentVolume) error {
	path, err := d.path(pv.Name)
	if err != nil {
		return err
	}
	if pv.Spec.Local == nil || pv.Spec.Local.Path != path {
		return &controller.IgnoredError{Reason: "volume " + pv.Name + ": not a directory of this cluster"}
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("removing the directory of a volume: %w", err)
	}
	return nil
}

// path returns the directory of a volume, which is never above or beside the root.
func (d directories) path(name string) (string, error) {
	if slices.Contains([]string{"", ".", ".."}, name) || filepath.Base(name) != name {
		return "", fmt.Errorf("volume %q: not a name of a directory", name)
	}
	return filepath.Join(d.root, name), nil
}

// RemoveClass takes the StorageClass away that nobody serves any more. One of the same name that is somebody else's
// stays.
func RemoveClass(ctx context.Context, client kubernetes.Interface) error {
	classes := client.StorageV1().StorageClasses()
	class, err := classes.Get(ctx, ClassName, metav1.GetOptions{})
	if err == nil && class.Provisioner == provisioner {
		err = classes.Delete(ctx, ClassName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &class.UID}})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing StorageClass %s: %w", ClassName, err)
	}
	return nil
}
