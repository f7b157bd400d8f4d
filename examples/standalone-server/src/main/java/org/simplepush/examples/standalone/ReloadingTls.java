package org.simplepush.examples.standalone;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A certificate and its key from PEM files, read again when they change, so that a renewed
 * certificate needs no restart. A pair is tried in a handshake before it is served. Files that
 * cannot be read, or do not belong together, leave the old pair in use: a renewal may write one
 * some time after the other.
 */
final class ReloadingTls implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ReloadingTls.class);

  private static final long CHECK_SECONDS = 2;

  /** Bad files are warned of once in this time. */
  private static final long WARNING_NANOS = TimeUnit.HOURS.toNanos(1);

  private final Path certificateFile;
  private final Path keyFile;
  private final TlsKeyManager keyManager;
  private final SSLContext context;

  /** Null while nothing looks at the files again. */
  private @Nullable ScheduledExecutorService watcher;

  // Of the watcher

  /** What the pair in use was read from. */
  private TlsFiles served;

  /** What was tried last in vain, null if the files cannot be read. */
  private @Nullable TlsFiles refused;

  /** Why the files are of no use now, null if they are. */
  private @Nullable String trouble;

  private boolean warned;
  private long warnedAt;

  private ReloadingTls(Path certificateFile, Path keyFile)
      throws IOException, GeneralSecurityException {
    this.certificateFile = certificateFile;
    this.keyFile = keyFile;
    this.served = TlsFiles.read(certificateFile, keyFile);
    TlsPair pair = TlsPair.of(served);
    this.keyManager = new TlsKeyManager(pair);
    this.context = SSLContext.getInstance("TLS");
    context.init(new KeyManager[] {keyManager}, null, null);
    warnOf(pair);
  }

  /**
   * Reads the files and tries them.
   *
   * @throws IOException with a sentence that says which file is wrong and how
   */
  static ReloadingTls load(Path certificateFile, Path keyFile) throws IOException {
    try {
      return new ReloadingTls(certificateFile, keyFile);
    } catch (GeneralSecurityException e) {
      throw new IOException("TLS is not available: " + e.getMessage(), e);
    }
  }

  /** Looks at the files every 2 seconds from now on. */
  @SuppressWarnings("FutureReturnValueIgnored") // look() lets nothing through
  ReloadingTls watch() {
    ScheduledExecutorService started =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "simplepush-tls-reload");
              thread.setDaemon(true);
              return thread;
            });
    watcher = started;
    started.scheduleWithFixedDelay(
        () -> look(System.nanoTime()), CHECK_SECONDS, CHECK_SECONDS, TimeUnit.SECONDS);
    return this;
  }

  SSLContext context() {
    return context;
  }

  /** Warns of what does not keep a pair from being served. */
  private void warnOf(TlsPair pair) {
    if (served.keyIsOpen()) {
      log.warn(
          "The private key in {} can be read by every user of this machine; set its mode to 600",
          keyFile);
    }
    String wrongTime = pair.wrongTime(Instant.now());
    if (wrongTime != null) {
      log.warn("The certificate in {} {}; clients will refuse it", certificateFile, wrongTime);
    }
  }

  /**
   * Serves what the files hold, if that is new and good.
   *
   * @param now of {@link System#nanoTime}
   */
  void look(long now) {
    TlsFiles refusedBefore = refused;
    refused = null;
    try {
      TlsFiles files = TlsFiles.read(certificateFile, keyFile);
      if (files.hold(served)) {
        if (trouble != null) {
          log.info("The certificate in {} is the one in use again", certificateFile);
        }
        wellAgain();
      } else if (refusedBefore != null && files.hold(refusedBefore)) {
        refused = files; // trying it again would change nothing
      } else {
        refused = files;
        TlsPair pair = TlsPair.of(files);
        keyManager.replace(pair);
        served = files;
        wellAgain();
        log.info("Serving the new certificate in {}", certificateFile);
        warnOf(pair);
      }
    } catch (Throwable e) { // the next look may go well, and there must be one
      trouble = e.getMessage() == null ? e.toString() : e.getMessage();
    }
    if (trouble != null && (!warned || now - warnedAt > WARNING_NANOS)) {
      warned = true;
      warnedAt = now;
      log.warn("The certificate is not renewed, the old one stays: {}", trouble);
    }
  }

  private void wellAgain() {
    refused = null;
    trouble = null;
    warned = false;
  }

  @Override
  public void close() {
    if (watcher != null) {
      watcher.shutdownNow();
    }
  }
}
