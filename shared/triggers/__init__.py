"""The only place that knows ``azure.functions``: HTTP, queue and timer triggers of a few lines each."""
