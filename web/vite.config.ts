import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

/** Lays a .br and a .gz beside each file that was written, so that serving them costs no compression. */
function precompressed(): Plugin {
  return {
    name: 'precompressed',
    apply: 'build',
    // Not before it is written: Vite changes the scripts until then.
    async writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!dir || !COMPRESSIBLE.test(name) || name === 'index.html') continue
        const bytes = await readFile(join(dir, name))
        if (bytes.length < SMALLEST_BYTES) continue
        const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
        await writeFile(join(dir, `${name}.br`), await promisify(brotliCompress)(bytes, best))
        await writeFile(join(dir, `${name}.gz`), await promisify(gzip)(bytes, { level: 9 }))
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
