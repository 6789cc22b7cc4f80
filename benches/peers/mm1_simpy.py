"""M/M/1 in SimPy: a process per customer, the worker a Resource."""

import random
import sys
import time

import simpy

ARRIVALS_PER_SECOND = 800.0
SERVICES_PER_SECOND = 1000.0


def source(env, worker, customers, times):
    between_arrivals = random.Random(1)
    of_service = random.Random(2)
    for _ in range(customers):
        yield env.timeout(between_arrivals.expovariate(ARRIVALS_PER_SECOND))
        env.process(customer(env, worker, of_service, times))


def customer(env, worker, of_service, times):
    arrived = env.now
    with worker.request() as turn:
        yield turn
        yield env.timeout(of_service.expovariate(SERVICES_PER_SECOND))
    times.append(env.now - arrived)


def main():
    customers = int(sys.argv[1])
    start = time.perf_counter()
    env = simpy.Environment()
    times = []
    env.process(source(env, simpy.Resource(env, capacity=1), customers, times))
    env.run()
    wall = time.perf_counter() - start
    print(f"{customers} {wall:.6f} {sum(times) / len(times) * 1e3:.6f}")


if __name__ == "__main__":
    main()
