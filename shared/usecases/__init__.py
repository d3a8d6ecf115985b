"""What the service does, one verb a file: ports in, outcome out."""
