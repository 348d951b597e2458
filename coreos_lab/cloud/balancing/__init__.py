"""Load balancers: the API of both generations, and a haproxy for each load balancer."""
