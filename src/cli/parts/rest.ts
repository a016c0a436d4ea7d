/** The commands that people and engines call now and then. */
import { features } from '../../container/features.js'
import { planContainer } from '../../container/plan.js'
import { writeSpec } from '../../container/spec.js'
import { planJson, planText } from '../../plan/print.js'
import { createOptionsOf } from '../common.js'
import { hasColour, print } from '../output.js'
import type { Request } from './part.js'

export const handlers = {
  spec(request: Request<'spec'>): number {
    writeSpec(request.options.bundle ?? '.', request.options.rootless === true)
    return 0
  },
  features(): number {
    print(`${JSON.stringify(features(), undefined, 4)}\n`)
    return 0
  },
  plan(request: Request<'plan'>): number {
    const { options, positionals } = request
    const plan = planContainer(createOptionsOf(request, positionals[0] ?? 'container', options))
    const showEnv = options['show-env'] === true
    print(
      options.json === true ? planJson(plan, { showEnv }) : planText(plan, { showEnv, colour: hasColour(1) }),
    )
    return 0
  },
}
