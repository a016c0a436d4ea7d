/** critest, the validation suite of CRI, on containerd. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { leavesNothing } from './support/check.js'
import { cri } from './support/cri.js'

/** Specs that cannot pass here, with any runtime. */
const left: Readonly<Record<string, string>> = {
  'runtime should support MaskedPaths': 'the ls of Debian’s busybox shell is not the file that is masked',
  'public image with digest': 'the digest is that of an image of a registry which is not reached',
}

t.setTimeout(1_800_000)
t.test(
  `critest with ${runtimeName()}`,
  { skip: requires('root', 'cgroup1', 'containerd', 'cni', 'critest', 'crictl', 'busybox') },
  t => {
    const engine = cri()
    t.teardown(engine.box.close)
    const skip = Object.keys(left).join('|')
    const focus = process.env.CHECK === undefined ? '' : `-ginkgo.focus '${process.env.CHECK}'`
    const { status, stdout } = engine.box.sh(
      `critest -runtime-endpoint unix:///run/containerd/containerd.sock -ginkgo.no-color \
-ginkgo.skip '${skip}' ${focus} 2>&1 | tee $T/critest.log; grep -q '^--- PASS\\|^PASS' $T/critest.log`,
      1500,
    )
    const sum =
      /Ran (\d+) of \d+ Specs.*\n.*(\d+) Passed \| (\d+) Failed.*/.exec(stdout)?.[0] ?? stdout.slice(-3000)
    const failures = stdout.split('\n').filter(line => line.includes('[Fail]'))
    if (process.env.CRITEST_LOG !== undefined) engine.box.sh(`cp $T/critest.log ${process.env.CRITEST_LOG}`)
    t.equal(status, 0, sum.replaceAll('\n', ' '), { failures, sum })
    engine.box.sh(engine.cleanUp)
    leavesNothing(t, engine)
    t.end()
  },
)
