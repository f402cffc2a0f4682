package rollout_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// filledIn are the fields that the API server fills in: what was written, what is stored, and another value, which
// somebody must have written. A ReplicaSet with the first two runs the template, one with the third does not.
var filledIn = []struct{ name, written, stored, other string }{
	{"restartPolicy", "{}", "{restartPolicy: Always}", "{restartPolicy: Never}"},
	{"dnsPolicy", "{}", "{dnsPolicy: ClusterFirst}", "{dnsPolicy: Default}"},
	{"schedulerName", "{}", "{schedulerName: default-scheduler}", "{schedulerName: mine}"},
	{"terminationGracePeriodSeconds", "{}", "{terminationGracePeriodSeconds: 30}", "{terminationGracePeriodSeconds: 31}"},
	{"enableServiceLinks", "{}", "{enableServiceLinks: true}", "{enableServiceLinks: false}"},
	{"securityContext", "{}", "{securityContext: {}}", "{securityContext: {runAsUser: 1}}"},
	{"serviceAccount", "{serviceAccountName: web}", "{serviceAccountName: web, serviceAccount: web}", "{serviceAccountName: web, serviceAccount: db}"},
	{"serviceAccountName", "{}", "{}", "{serviceAccountName: web, serviceAccount: web}"},
	{"imagePullPolicy with a tag", "{containers: [{name: a, image: 'reg:5000/a:v1'}]}", "{containers: [{name: a, image: 'reg:5000/a:v1', imagePullPolicy: IfNotPresent}]}", "{containers: [{name: a, image: 'reg:5000/a:v1', imagePullPolicy: Always}]}"},
	{"imagePullPolicy without a tag", "{containers: [{name: a, image: 'reg:5000/a'}]}", "{containers: [{name: a, image: 'reg:5000/a', imagePullPolicy: Always}]}", "{containers: [{name: a, image: 'reg:5000/a', imagePullPolicy: IfNotPresent}]}"},
	{"imagePullPolicy with latest", "{containers: [{name: a, image: 'a:latest'}]}", "{containers: [{name: a, image: 'a:latest', imagePullPolicy: Always}]}", "{containers: [{name: a, image: 'a:latest', imagePullPolicy: Never}]}"},
	{"imagePullPolicy with a digest", "{containers: [{name: a, image: 'a@sha256:0'}]}", "{containers: [{name: a, image: 'a@sha256:0', imagePullPolicy: IfNotPresent}]}", "{containers: [{name: a, image: 'a@sha256:0', imagePullPolicy: Always}]}"},
	{"imagePullPolicy with latest and a digest", "{containers: [{name: a, image: 'a:latest@sha256:0'}]}", "{containers: [{name: a, image: 'a:latest@sha256:0', imagePullPolicy: Always}]}", "{containers: [{name: a, image: 'a:latest@sha256:0', imagePullPolicy: Never}]}"},
	{"imagePullPolicy of an init container", "{initContainers: [{name: a, image: a}]}", "{initContainers: [{name: a, image: a, imagePullPolicy: Always}]}", "{initContainers: [{name: a, image: a, imagePullPolicy: Never}]}"},
	{"terminationMessagePath", "{containers: [{name: a}]}", "{containers: [{name: a, terminationMessagePath: /dev/termination-log}]}", "{containers: [{name: a, terminationMessagePath: /log}]}"},
	{"terminationMessagePolicy", "{containers: [{name: a}]}", "{containers: [{name: a, terminationMessagePolicy: File}]}", "{containers: [{name: a, terminationMessagePolicy: FallbackToLogsOnError}]}"},
	{"resources", "{containers: [{name: a}]}", "{containers: [{name: a, resources: {}}]}", "{containers: [{name: a, resources: {limits: {cpu: 1}}}]}"},
	{"resources.requests", "{containers: [{name: a, resources: {limits: {cpu: 1}}}]}", "{containers: [{name: a, resources: {limits: {cpu: 1}, requests: {cpu: 1}}}]}", "{containers: [{name: a, resources: {limits: {cpu: 1}, requests: {cpu: 500m}}}]}"},
	{"some of resources.requests", "{containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}}]}", "{containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m, memory: 1Gi}}}]}", "{containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m, memory: 2Gi}}}]}"},
	{"ports.protocol", "{containers: [{name: a, ports: [{containerPort: 80}]}]}", "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}]}]}", "{containers: [{name: a, ports: [{containerPort: 80, protocol: UDP}]}]}"},
	{"ports.hostPort with hostNetwork", "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}]}", "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]}", "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 81}]}]}"},
	{"ports.hostPort without hostNetwork", "{containers: [{name: a, ports: [{containerPort: 80}]}]}", "{containers: [{name: a, ports: [{containerPort: 80}]}]}", "{containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]}"},
	{"httpGet.path", "{containers: [{name: a, readinessProbe: {httpGet: {port: 80}}}]}", "{containers: [{name: a, readinessProbe: {httpGet: {port: 80, path: /}}}]}", "{containers: [{name: a, readinessProbe: {httpGet: {port: 80, path: /x}}}]}"},
	{"httpGet.scheme", "{containers: [{name: a, lifecycle: {preStop: {httpGet: {port: 80}}}}]}", "{containers: [{name: a, lifecycle: {preStop: {httpGet: {port: 80, scheme: HTTP}}}}]}", "{containers: [{name: a, lifecycle: {preStop: {httpGet: {port: 80, scheme: HTTPS}}}}]}"},
	{"probe.timeoutSeconds", "{containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}}}]}", "{containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 1}}]}", "{containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}, timeoutSeconds: 2}}]}"},
	{"probe.periodSeconds", "{containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}}}]}", "{containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 10}}]}", "{containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 11}}]}"},
	{"probe.successThreshold", "{containers: [{name: a, startupProbe: {tcpSocket: {port: 80}}}]}", "{containers: [{name: a, startupProbe: {tcpSocket: {port: 80}, successThreshold: 1}}]}", "{containers: [{name: a, startupProbe: {tcpSocket: {port: 80}, successThreshold: 2}}]}"},
	{"probe.failureThreshold", "{containers: [{name: a, startupProbe: {tcpSocket: {port: 80}}}]}", "{containers: [{name: a, startupProbe: {tcpSocket: {port: 80}, failureThreshold: 3}}]}", "{containers: [{name: a, startupProbe: {tcpSocket: {port: 80}, failureThreshold: 4}}]}"},
	{"probe.grpc.service", "{containers: [{name: a, startupProbe: {grpc: {port: 80}}}]}", "{containers: [{name: a, startupProbe: {grpc: {port: 80, service: ''}}}]}", "{containers: [{name: a, startupProbe: {grpc: {port: 80, service: x}}}]}"},
	{"env.fieldRef.apiVersion", "{containers: [{name: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: x}}}]}]}", "{containers: [{name: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: x, apiVersion: v1}}}]}]}", "{containers: [{name: a, env: [{name: A, valueFrom: {fieldRef: {fieldPath: x, apiVersion: v2}}}]}]}"},
	{"env.resourceFieldRef.divisor", "{containers: [{name: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]}]}", "{containers: [{name: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: '0'}}}]}]}", "{containers: [{name: a, env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: '1'}}}]}]}"},
	{"securityContext.procMount", "{containers: [{name: a, securityContext: {privileged: true}}]}", "{containers: [{name: a, securityContext: {privileged: true, procMount: Default}}]}", "{containers: [{name: a, securityContext: {privileged: true, procMount: Unmasked}}]}"},
	{"topologySpread.nodeAffinityPolicy", "{topologySpreadConstraints: [{maxSkew: 1}]}", "{topologySpreadConstraints: [{maxSkew: 1, nodeAffinityPolicy: Honor}]}", "{topologySpreadConstraints: [{maxSkew: 1, nodeAffinityPolicy: Ignore}]}"},
	{"topologySpread.nodeTaintsPolicy", "{topologySpreadConstraints: [{maxSkew: 1}]}", "{topologySpreadConstraints: [{maxSkew: 1, nodeTaintsPolicy: Ignore}]}", "{topologySpreadConstraints: [{maxSkew: 1, nodeTaintsPolicy: Honor}]}"},
	{"volumes.emptyDir", "{volumes: [{name: v}]}", "{volumes: [{name: v, emptyDir: {}}]}", "{volumes: [{name: v, emptyDir: {medium: Memory}}]}"},
	{"volumes.hostPath.type", "{volumes: [{name: v, hostPath: {path: /x}}]}", "{volumes: [{name: v, hostPath: {path: /x, type: ''}}]}", "{volumes: [{name: v, hostPath: {path: /x, type: File}}]}"},
	{"volumes.secret.defaultMode", "{volumes: [{name: v, secret: {secretName: x}}]}", "{volumes: [{name: v, secret: {secretName: x, defaultMode: 420}}]}", "{volumes: [{name: v, secret: {secretName: x, defaultMode: 256}}]}"},
	{"volumes.configMap.defaultMode", "{volumes: [{name: v, configMap: {name: x}}]}", "{volumes: [{name: v, configMap: {name: x, defaultMode: 420}}]}", "{volumes: [{name: v, configMap: {name: x, defaultMode: 256}}]}"},
	{"volumes.projected", "{volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}", "{volumes: [{name: v, projected: {defaultMode: 420, sources: [{serviceAccountToken: {path: t, expirationSeconds: 3600}}]}}]}", "{volumes: [{name: v, projected: {defaultMode: 420, sources: [{serviceAccountToken: {path: t, expirationSeconds: 600}}]}}]}"},
	{"volumes.downwardAPI.defaultMode", "{volumes: [{name: v, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: x}}]}}]}", "{volumes: [{name: v, downwardAPI: {defaultMode: 420, items: [{path: a, fieldRef: {fieldPath: x, apiVersion: v1}}]}}]}", "{volumes: [{name: v, downwardAPI: {defaultMode: 1, items: [{path: a, fieldRef: {fieldPath: x}}]}}]}"},
	{"volumes.iscsi.iscsiInterface", "{volumes: [{name: v, iscsi: {iqn: x}}]}", "{volumes: [{name: v, iscsi: {iqn: x, iscsiInterface: default}}]}", "{volumes: [{name: v, iscsi: {iqn: x, iscsiInterface: z}}]}"},
	{"volumes.rbd", "{volumes: [{name: v, rbd: {image: x}}]}", "{volumes: [{name: v, rbd: {image: x, pool: rbd, user: admin, keyring: /etc/ceph/keyring}}]}", "{volumes: [{name: v, rbd: {image: x, pool: other, user: admin, keyring: /etc/ceph/keyring}}]}"},
	{"volumes.azureDisk", "{volumes: [{name: v, azureDisk: {diskName: x}}]}", "{volumes: [{name: v, azureDisk: {diskName: x, cachingMode: ReadWrite, fsType: ext4, kind: Shared, readOnly: false}}]}", "{volumes: [{name: v, azureDisk: {diskName: x, cachingMode: None}}]}"},
	{"volumes.scaleIO", "{volumes: [{name: v, scaleIO: {gateway: x}}]}", "{volumes: [{name: v, scaleIO: {gateway: x, fsType: xfs, storageMode: ThinProvisioned}}]}", "{volumes: [{name: v, scaleIO: {gateway: x, fsType: ext4, storageMode: ThinProvisioned}}]}"},
	{"volumes.ephemeral.volumeMode", "{volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: x}}}}]}", "{volumes: [{name: v, ephemeral: {volumeClaimTemplate: {metadata: {creationTimestamp: null}, spec: {storageClassName: x, resources: {}, volumeMode: Filesystem}}}}]}", "{volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: x, volumeMode: Block}}}}]}"},
	{"volumes.image.pullPolicy", "{volumes: [{name: v, image: {reference: x}}]}", "{volumes: [{name: v, image: {reference: x, pullPolicy: IfNotPresent}}]}", "{volumes: [{name: v, image: {reference: x, pullPolicy: Never}}]}"},
	{"nodeSelector is not filled in", "{}", "{nodeSelector: {}}", "{nodeSelector: {scheme: HTTP}}"},
	{"an env entry less", "{containers: [{name: a, env: [{name: A, value: a}]}]}", "{containers: [{name: a, env: [{name: A, value: a}]}]}", "{containers: [{name: a, env: [{name: A, value: a}, {name: B, value: b}]}]}"},
	{"order of a list", "{containers: [{name: a, args: [x, y]}]}", "{containers: [{name: a, args: [x, y]}]}", "{containers: [{name: a, args: [y, x]}]}"},
	{"an empty argument", "{containers: [{name: a, args: ['', y]}]}", "{containers: [{name: a, args: ['', y]}]}", "{containers: [{name: a, args: [y]}]}"},
}

// TestAdoptionByMeaning holds ReplicaSets that another controller has made to the template, in both directions.
func TestAdoptionByMeaning(t *testing.T) {
	for _, c := range filledIn {
		t.Run(c.name, func(t *testing.T) {
			for _, row := range []struct {
				what, wanted, live string
				want               bool
			}{
				{"as it was written", c.written, c.written, true},
				{"as it is stored", c.written, c.stored, true},
				{"with another value", c.written, c.other, false},
				{"without what was written", c.other, c.written, false},
			} {
				if got := adopted(t, template(t, row.wanted), template(t, row.live)); got != row.want {
					t.Errorf("%s: adopted is %v, want %v\nwanted %s\nlive   %s", row.what, got, row.want, row.wanted, row.live)
				}
			}
		})
	}
}

// TestAdoptionOfMetadata does the same for the labels and annotations of the template, which are never filled in.
func TestAdoptionOfMetadata(t *testing.T) {
	for _, c := range []struct {
		name         string
		wanted, live map[string]string
		want         bool
	}{
		{"the same", map[string]string{"a": "b"}, map[string]string{"a": "b"}, true},
		{"another value", map[string]string{"a": "b"}, map[string]string{"a": "c"}, false},
		{"one more", map[string]string{"a": "b"}, map[string]string{"a": "b", "c": "d"}, false},
		{"one less", map[string]string{"a": "b", "c": "d"}, map[string]string{"a": "b"}, false},
		{"one more that looks like a default", nil, map[string]string{"protocol": "TCP"}, false},
		{"one more that looks like another default", nil, map[string]string{"creationTimestamp": "now"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			wanted, live := template(t, "{}"), template(t, "{}")
			wanted.Annotations, live.Annotations = c.wanted, c.live
			if got := adopted(t, wanted, live); got != c.want {
				t.Errorf("annotations: adopted is %v, want %v", got, c.want)
			}
			wanted, live = template(t, "{}"), template(t, "{}")
			wanted.Labels, live.Labels = merged(wanted.Labels, c.wanted, nil), merged(live.Labels, c.live, nil)
			if got := adopted(t, wanted, live); got != c.want {
				t.Errorf("labels: adopted is %v, want %v", got, c.want)
			}
		})
	}
}

// template is a pod template with a spec.
func template(t *testing.T, spec string) corev1.PodTemplateSpec {
	t.Helper()
	template := corev1.PodTemplateSpec{}
	if err := yaml.UnmarshalStrict([]byte(spec), &template.Spec); err != nil {
		t.Fatal(err)
	}
	for _, list := range []*[]corev1.Container{&template.Spec.Containers, &template.Spec.InitContainers} {
		for i := range *list {
			if (*list)[i].Image == "" {
				(*list)[i].Image = "app:v1"
			}
		}
	}
	if len(template.Spec.Containers) == 0 {
		template.Spec.Containers = []corev1.Container{{Name: "app", Image: "app:v1"}}
	}
	template.Labels = map[string]string{"app": "app"}
	return template
}

// adopted reports whether a Rollout takes up a ReplicaSet that another controller has made.
func adopted(t *testing.T, wanted, live corev1.PodTemplateSpec) bool {
	t.Helper()
	ro := exampleRollout()
	// A workload's template is not held to what a Rollout's own has to keep.
	ro.Spec.Template, ro.Spec.WorkloadRef = corev1.PodTemplateSpec{}, &v1alpha1.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	rs := ownedReplicaSet(ro, "app-abc", 1)
	rs.Labels = map[string]string{"app": "app", v1alpha1.PodHashLabel: "abc"}
	rs.Spec.Template = *live.DeepCopy()
	rs.Spec.Template.Labels = merged(rs.Spec.Template.Labels, map[string]string{v1alpha1.PodHashLabel: "abc"}, nil)
	rs.Spec.Selector = ro.Spec.Selector
	d := strategy.Decide(rollout.Observation{
		Rollout: ro, Workload: &rollout.Workload{Template: wanted, Generation: 1}, ReplicaSets: []*appsv1.ReplicaSet{rs},
		Routes: rollout.Routes{Active: &corev1.Service{}, Preview: &corev1.Service{}},
	}, began)
	if d.Status.CurrentPodHash == "" {
		t.Fatalf("nothing was decided: %s", d.Status.Message)
	}
	return d.Status.CurrentPodHash == "abc"
}

func TestTemplateHash(t *testing.T) {
	base := template(t, "{containers: [{name: a, image: 'app:v1', resources: {limits: {cpu: 1}}}]}")
	hash := rollout.TemplateHash(base, "")
	if len(hash) != 10 {
		t.Errorf("hash %q has %d digits", hash, len(hash))
	}
	for _, c := range []struct {
		name, spec string
		same       bool
	}{
		{"the same again", "{containers: [{name: a, image: 'app:v1', resources: {limits: {cpu: 1}}}]}", true},
		{"empty fields", "{nodeSelector: {}, volumes: [], containers: [{name: a, image: 'app:v1', env: [], workingDir: '', resources: {limits: {cpu: 1}}}]}", true},
		{"requests that follow from the limits", "{containers: [{name: a, image: 'app:v1', resources: {limits: {cpu: 1}, requests: {cpu: 1}}}]}", true},
		{"the same quantity in other words", "{containers: [{name: a, image: 'app:v1', resources: {limits: {cpu: 1000m}}}]}", true},
		{"another image", "{containers: [{name: a, image: 'app:v2', resources: {limits: {cpu: 1}}}]}", false},
		{"false is not empty", "{enableServiceLinks: false, containers: [{name: a, image: 'app:v1', resources: {limits: {cpu: 1}}}]}", false},
		{"zero is not empty", "{terminationGracePeriodSeconds: 0, containers: [{name: a, image: 'app:v1', resources: {limits: {cpu: 1}}}]}", false},
	} {
		if same := rollout.TemplateHash(template(t, c.spec), "") == hash; same != c.same {
			t.Errorf("%s: same is %v, want %v", c.name, same, c.same)
		}
	}
	if rollout.TemplateHash(base, "app") == hash {
		t.Error("the salt makes no difference")
	}
}
