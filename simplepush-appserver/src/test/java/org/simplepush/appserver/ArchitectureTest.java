package org.simplepush.appserver;

import static com.tngtech.archunit.base.DescribedPredicate.anyElementThat;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Clock;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadFactory;
import okhttp3.HttpUrl;

@AnalyzeClasses(packages = "org.simplepush.appserver", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String PUBLIC = "org.simplepush.appserver";
  private static final String OUTBOX = "org.simplepush.appserver.internal.outbox..";
  private static final String JDBC = "org.simplepush.appserver.internal.jdbc..";
  private static final String HTTP = "org.simplepush.appserver.internal.http..";
  private static final String SEND = "org.simplepush.appserver.internal.send..";
  private static final String COMMON = "org.simplepush.appserver.internal";

  @ArchTest
  static final ArchRule dependsOnCoreAndOkHttpOnly =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "org.simplepush.appserver..",
              "org.simplepush.core..",
              "okhttp3..",
              "okio..",
              "kotlin..", // supertypes in OkHttp's signatures
              "org.slf4j..",
              "io.micrometer..", // optional
              "org.jspecify..",
              "java..",
              "javax.net..",
              "javax.crypto..",
              "javax.sql..");

  @ArchTest
  static final ArchRule arrowsGoOneWay =
      layeredArchitecture()
          .consideringOnlyDependenciesInAnyPackage("org.simplepush.appserver..")
          .layer("public")
          .definedBy(PUBLIC)
          .layer("outbox")
          .definedBy(OUTBOX)
          .layer("jdbc")
          .definedBy(JDBC)
          .layer("http")
          .definedBy(HTTP)
          .layer("send")
          .definedBy(SEND)
          .layer("common")
          .definedBy(COMMON)
          .whereLayer("public")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("outbox")
          .mayOnlyBeAccessedByLayers("public")
          .whereLayer("jdbc")
          .mayOnlyBeAccessedByLayers("public", "outbox")
          .whereLayer("http")
          .mayOnlyBeAccessedByLayers("public")
          .whereLayer("send")
          .mayOnlyBeAccessedByLayers("public", "outbox", "http")
          .ensureAllClassesAreContainedInArchitecture();

  @ArchTest
  static final ArchRule packagesDependOnEachOtherInNoCircle =
      slices().matching("org.simplepush.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule publicTypesShowNoHttpLibrary =
      methods()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .resideInAPackage(PUBLIC)
          .should()
          .notHaveRawReturnType(resideInAPackage("okhttp3.."))
          .andShould()
          .notHaveRawParameterTypes(anyElementThat(resideInAPackage("okhttp3..")));

  /** A URL is understood once, as OkHttp understands it; the rest of OkHttp is for sending. */
  @ArchTest
  static final ArchRule whatIsSentWhenIsDecidedWithoutHttp =
      noClasses()
          .that()
          .resideInAnyPackage(SEND, OUTBOX, JDBC, COMMON)
          .should()
          .dependOnClassesThat(
              resideInAPackage("okhttp3..")
                  .or(resideInAPackage("okio.."))
                  .and(not(belongToAnyOf(HttpUrl.class))));

  /** Their time and what runs their tasks is handed in. */
  @ArchTest
  static final ArchRule whatIsSentWhenIsDecidedWithoutSocketsThreadsAndClocks =
      noClasses()
          .that()
          .resideInAnyPackage(SEND, OUTBOX)
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(InstantSource.class, "system")
          .orShould()
          .dependOnClassesThat()
          .resideInAnyPackage("java.nio.channels..", "java.nio.file..", "javax.net..")
          .orShould()
          .dependOnClassesThat()
          .belongToAnyOf(
              Socket.class,
              InetAddress.class,
              Clock.class,
              ExecutorService.class,
              ThreadFactory.class);

  @ArchTest
  static final ArchRule sqlIsSpokenInItsPackage =
      noClasses()
          .that()
          .resideInAnyPackage(SEND, HTTP, COMMON)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.sql..", "javax.sql..", "javax.crypto..");
}
