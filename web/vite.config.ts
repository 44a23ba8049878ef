import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vitest/config'

const BACKEND = process.env.RTE_WEB_BACKEND ?? 'http://localhost:8080'
const COMPRESSIBLE = /\.(js|css|html|svg|json|webmanifest)$/
const SMALLEST_BYTES = 1024

/** In development: what the web service writes into the page. */
function configuration(): Plugin {
  return {
    name: 'configuration',
    apply: 'serve',
    transformIndexHtml: (html) => html.replace(/(id="config">)\s*\{\}/, `$1${process.env.RTE_WEB_CONFIG ?? '{}'}`),
  }
}

/** Lays a .br and a .gz beside each file, so that serving them costs no compression. */
function precompressed(): Plugin {
  return {
    name: 'precompressed',
    apply: 'build',
    enforce: 'post',
    async generateBundle(_, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source)
        if (!COMPRESSIBLE.test(name) || name === 'index.html' || bytes.length < SMALLEST_BYTES) continue
        const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
        const [br, gz] = await Promise.all([
          promisify(brotliCompress)(bytes, best),
          promisify(gzip)(bytes, { level: 9 }),
        ])
        this.emitFile({ type: 'asset', fileName: `${name}.br`, source: br })
        this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: gz })
      }
    },
  }
}

const toBackend = { target: BACKEND, changeOrigin: true }

export default defineConfig({
  plugins: [react(), configuration(), precompressed()],
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      '/api': toBackend,
      '/problems': toBackend,
      '/webhooks': toBackend,
      '/realtime': { ...toBackend, ws: true },
    },
  },
  build: { target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: false },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'], env: { TZ: 'Europe/Berlin' } },
})
