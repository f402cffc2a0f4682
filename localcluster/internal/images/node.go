package images

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Node is the images of a node, by the socket of its containerd.
type Node struct {
	connection *grpc.ClientConn
	service    runtimeapi.ImageServiceClient
}

// OnNode is an image that a node has.
type OnNode struct {
	ID      string
	Names   []string
	Digests []string
	Size    int64
}

// OpenNode connects to the containerd that listens at socket.
func OpenNode(socket string) (*Node, error) {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connecting to containerd: %w", err)
	}
	return &Node{connection: connection, service: runtimeapi.NewImageServiceClient(connection)}, nil
}

// Close ends the connection.
func (n *Node) Close() { _ = n.connection.Close() }

// List returns the images of the node, without those that the cluster itself needs.
func (n *Node) List(ctx context.Context) ([]OnNode, error) {
	answer, err := n.service.ListImages(ctx, &runtimeapi.ListImagesRequest{})
	if err != nil {
		return nil, fmt.Errorf("listing the node's images: %w", err)
	}
	var all []OnNode
	for _, image := range answer.Images {
		if image.Pinned {
			continue
		}
		found := OnNode{ID: image.Id, Names: image.RepoTags, Size: int64(image.Size)}
		for _, digest := range image.RepoDigests {
			if _, d, ok := strings.Cut(digest, "@"); ok {
				found.Digests = append(found.Digests, d)
			}
		}
		all = append(all, found)
	}
	return all, nil
}

// Remove takes an image from the node.
func (n *Node) Remove(ctx context.Context, id string) error {
	_, err := n.service.RemoveImage(ctx, &runtimeapi.RemoveImageRequest{Image: &runtimeapi.ImageSpec{Image: id}})
	if err != nil {
		return fmt.Errorf("removing the image from the node: %w", err)
	}
	return nil
}
