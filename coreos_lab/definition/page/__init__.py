"""A lab's page as steps: text to read, commands to run and what they must print, tasks to solve."""
