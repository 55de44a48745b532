package server

// bare is a server without known labels, such as the StatefulSet of the lesson.
func bare() product { return product{} }
