// The login cases of the end-to-end tests against a real API server (1.20: it
// knows no SelfSubjectReview), and that server when it or its etcd hangs, and
// when it is down.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before } from 'node:test';
import { temporaryDir } from '../e2e/lib/doorward.mjs';
import { loginCases, outageCase, seed, setUpWith } from '../e2e/lib/login-cases.mjs';
import { RealCluster } from './lib/real-cluster.mjs';

const { DOORWARD_KUBERNETES_BIN: bin, DOORWARD_KUBERNETES_STATE: state, DOORWARD_KUBERNETES_PORT: port } = process.env;
const lab = new URL('lab', import.meta.url).pathname;
let dir, cluster;
before(async () => {
  dir = temporaryDir();
  cluster = new RealCluster({ dir, state, port });
  await cluster.ready();
  await seed(cluster);
});
after(() => {
  cluster.close();
  fs.rmSync(dir, { recursive: true });
});

for (const [label, clusterToken] of [['TokenReview', true], ['SelfSubjectAccessReview', false]]) {
  const setUp = (t) => setUpWith(t, cluster, { clusterToken });
  loginCases(label, setUp);
  for (const name of ['etcd', 'apiserver'])
    outageCase(`${label}: ${name} hangs`, setUp, {
      begin: () => cluster.signal(name, 'SIGSTOP'),
      end: () => cluster.signal(name, 'SIGCONT'),
    });
  outageCase(`${label}: apiserver is stopped`, setUp, {
    begin: () => cluster.stopServer(),
    end: () => execFileSync('bash', [lab, 'start-apiserver', bin, state, port]),
  });
}
