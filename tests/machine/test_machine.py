from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.machine.machine import REACHED, SyncMachine
import os, time

def test_it():
    t=time.process_time()
    with REACHED.decisions():
        try:
            run_state_machine_as_test(SyncMachine, settings=settings(max_examples=int(os.environ.get('N','20')), stateful_step_count=int(os.environ.get('S','40')), deadline=None, suppress_health_check=list(HealthCheck), derandomize=not os.environ.get('RND'), database=None, phases=[Phase.generate]+([Phase.shrink] if os.environ.get('SHRINK') else [])))
        finally:
            print('cpu', time.process_time()-t)
            for h,c in REACHED.counts.items():
                print('==',h,c.total())
                for n,k in sorted(c.items()): print('   ',k,n)
