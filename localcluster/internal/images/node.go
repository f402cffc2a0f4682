package images

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
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

// Renew fetches the images anew that the node has under one of the names that were loaded, so that pods that are
// started from now on get what was loaded, though the node has an image of that name.
func (n *Node) Renew(ctx context.Context, loaded []string) error {
	all, err := n.List(ctx)
	if err != nil {
		return err
	}
	for _, text := range outdated(all, loaded) {
		if _, err := n.service.PullImage(ctx, &runtimeapi.PullImageRequest{Image: &runtimeapi.ImageSpec{Image: text}}); err != nil {
			return fmt.Errorf("bringing %s of the node up to date: %w", text, err)
		}
	}
	return nil
}

// outdated are the names of images on the node that the registry has anew: it keeps an image by its path and tag,
// whatever host a pod names before them.
func outdated(node []OnNode, loaded []string) []string {
	changed := map[string]bool{}
	for _, text := range loaded {
		if path, ok := pathOf(text); ok {
			changed[path] = true
		}
	}
	var names []string
	for _, image := range node {
		for _, text := range image.Names {
			if path, ok := pathOf(text); ok && changed[path] {
				names = append(names, text)
			}
		}
	}
	return names
}

// pathOf is the path and the tag of an image; an image by its digest has none.
func pathOf(text string) (string, bool) {
	tag, err := name.NewTag(text)
	if err != nil {
		return "", false
	}
	return strings.TrimPrefix(tag.RepositoryStr(), "library/") + ":" + tag.TagStr(), true
}

// Remove takes an image from the node.
func (n *Node) Remove(ctx context.Context, id string) error {
	_, err := n.service.RemoveImage(ctx, &runtimeapi.RemoveImageRequest{Image: &runtimeapi.ImageSpec{Image: id}})
	if err != nil {
		return fmt.Errorf("removing the image from the node: %w", err)
	}
	return nil
}
