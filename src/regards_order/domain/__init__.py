"""What is true without any machine: values, aggregates and tables of transitions."""
