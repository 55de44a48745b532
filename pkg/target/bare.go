package target

// bare is a server that nobody's labels tell about, such as the lesson's StatefulSet.
func bare() product { return product{} }
