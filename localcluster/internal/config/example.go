package config

// Example is a file with every field.
const Example = `  apiVersion: cyan.dev/v1alpha1
  kind: LocalCluster
  nodes:
    kind: real               # or simulated
    simulated: 3             # beside the real one, for what tolerates cyan.dev/simulated; or in all
  ports:                     # of 127.0.0.1
    apiServer: 16443
    registry: 15000
    ingress: 18080
  without: [metrics]
  mirrors:                   # asked before the registry itself, in their order
    docker.io: [https://mirror.example]
  registries:
    registry.example:
      username: robot
      passwordFile: /etc/hostname    # or password; read each time it is needed
    insecure.example:5000:
      plainHTTP: true
  mounts:                    # directories of this machine, for volumes of hostPath
  - hostPath: /tmp
    nodePath: /mnt/data
    readOnly: true
  featureGates:              # of all parts of Kubernetes
    ContextualLogging: true
`
