package view

// Delivery is a commit's way to the traffic.
type Delivery struct {
	ID          string  `json:"id"`
	Namespace   string  `json:"namespace"`
	Application string  `json:"application"`
	Project     string  `json:"project"`
	State       string  `json:"state" enum:"Running,Waiting,Done,Failed,Superseded"`
	Commit      Commit  `json:"commit"`
	Source      *Commit `json:"source,omitempty" doc:"the commit that was built, where the commit names it"`
	Image       string  `json:"image,omitempty"`
	Stages      []Stage `json:"stages"`
	LeadSeconds *int64  `json:"leadSeconds,omitempty" doc:"from the commit that was built to the traffic"`
	StartedAt   string  `json:"startedAt,omitempty" format:"date-time"`
	FinishedAt  string  `json:"finishedAt,omitempty" format:"date-time"`
}

// Commit is a commit of git.
type Commit struct {
	SHA     string `json:"sha"`
	Author  string `json:"author,omitempty"`
	Message string `json:"message,omitempty"`
	Date    string `json:"date,omitempty" format:"date-time"`
	URL     string `json:"url,omitempty"`
}

// Stage is a part of a commit's way. A time that is not known is left out.
type Stage struct {
	Name       string `json:"name" enum:"commit,build,set,seen,sync,preview,switch,drain,healthy"`
	State      string `json:"state" enum:"done,running,waiting,failed,skipped,unknown"`
	StartedAt  string `json:"startedAt,omitempty" format:"date-time"`
	FinishedAt string `json:"finishedAt,omitempty" format:"date-time"`
	Message    string `json:"message,omitempty"`
	Said       *Said  `json:"said,omitempty" doc:"the template of the message"`
}
